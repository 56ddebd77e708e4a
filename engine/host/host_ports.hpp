#pragma once
/// @file
/// What an engine touches the outside with. `local_host` makes the real ones; a simulation brings its own.

#include "engine/journal/store.hpp"
#include "engine/journal/writer.hpp"

#include <potoo/http.hpp>
#include <potoo/loop.hpp>
#include <potoo/process.hpp>

#include <random>

namespace potoo::host {

/// All of them outlive the engine.
struct host_ports
{
    potoo::loop& loop;
    journal::store& store;   ///< the engine's journal writes to it, in `writing`'s way; nobody else uses it meanwhile
    journal::reader& reader; ///< of the same journal; the store itself unless `writing` is `threaded`
    http_client& http;
    process_runner& processes;
    std::mt19937_64& entropy;
    journal::writer_mode writing = journal::writer_mode::threaded;
};

} // namespace potoo::host
