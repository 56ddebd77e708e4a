#pragma once
/// @file
/// What an engine touches the outside with. `local_host` makes the real ones; a simulation brings its own.

#include "engine/journal/store.hpp"
#include "engine/journal/writer.hpp"
#include "engine/runtime/start_gate.hpp"

#include <potoo/http.hpp>
#include <potoo/loop.hpp>
#include <potoo/process.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>

namespace potoo::host {

/// From the kernel's generator, which nobody can predict. @throws std::system_error
[[nodiscard]] std::uint64_t number_of_the_system();

/// As the kernel and the allocators know it. To be asked on the loop's thread.
[[nodiscard]] runtime::memory_probe memory_of_the_process();

/// All of them outlive the engine.
struct host_ports
{
    potoo::loop& loop;
    journal::store& store;   ///< the engine's journal writes to it, in `writing`'s way; nobody else uses it meanwhile
    journal::reader& reader; ///< of the same journal; the store itself unless `writing` is `threaded`
    http_client& http;
    process_runner& processes;
    std::mt19937_64& entropy; ///< for names and for spreading; not for secrets
    journal::writer_mode writing = journal::writer_mode::threaded;
    std::function<std::uint64_t()> unguessable = number_of_the_system; ///< for secrets: tokens of callbacks
    runtime::memory_probe memory = memory_of_the_process();
    /// Makes a reader of the journal, on any thread, for what takes long; empty = `reader` is asked.
    std::function<std::unique_ptr<journal::reader>()> open_reader{};
};

} // namespace potoo::host
