#pragma once
/// @file
/// Every store, for tests of what each of them must do.

#include "engine/journal/memory_store.hpp"
#include "engine/journal/sqlite_store.hpp"

#include "samples.hpp"

#include <boost/mpl/list.hpp>

#include <memory>

namespace potoo::journal::samples {

struct memory_under_test
{
    memory_store store_;

    store& open() { return store_; }

    store& reopen() { return store_; }
};

struct sqlite_under_test
{
    scratch_dir dir_;
    std::unique_ptr<store> store_;

    store& open()
    {
        store_ = open_sqlite_store(dir_.layout());
        return *store_;
    }

    store& reopen()
    {
        store_.reset();
        return open();
    }
};

using stores = boost::mpl::list<memory_under_test, sqlite_under_test>;

} // namespace potoo::journal::samples
