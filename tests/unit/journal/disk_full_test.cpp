/// File systems that are full or read-only: real ones, mounted for the test where the system lets.

#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/journal/writer.hpp"

#include "samples.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/mount.h>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

/// A file system of 2 MiB in memory.
class small_disk
{
  public:
    small_disk()
    {
        mounted_ = ::mount("potoo", dir_.path().c_str(), "tmpfs", 0, "size=2m,mode=0700") == 0;
        if (!mounted_)
            BOOST_TEST_MESSAGE("SKIPPED: cannot mount a small file system: " << std::strerror(errno));
    }

    small_disk(const small_disk&) = delete;
    small_disk& operator=(const small_disk&) = delete;

    ~small_disk()
    {
        if (mounted_)
            ::umount2(dir_.path().c_str(), MNT_DETACH);
    }

    [[nodiscard]] bool mounted() const { return mounted_; }

    [[nodiscard]] state_layout layout() const { return state_layout(dir_.path() / "state"); }

    [[nodiscard]] std::filesystem::path ballast() const { return dir_.path() / "ballast"; }

    void fill() const
    {
        std::ofstream file(ballast(), std::ios::binary | std::ios::app);
        const std::string page(4096, 'x');
        while (file << page << std::flush) {}
    }

    void make_read_only() const
    {
        BOOST_REQUIRE(::mount("potoo", dir_.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0);
    }

  private:
    scratch_dir dir_;
    bool mounted_;
};

record with_output(std::int64_t i)
{
    return ended(0, 0, 1, recorded_state::success, i, '"' + std::string(1'000, 'o') + '"');
}

bool is_full(const store_error& e)
{
    BOOST_TEST_MESSAGE(e.what());
    return e.kind() == store_error_kind::full;
}

bool is_read_only(const store_error& e)
{
    BOOST_TEST_MESSAGE(e.what());
    return e.kind() == store_error_kind::read_only;
}

} // namespace

BOOST_AUTO_TEST_SUITE(disk)

BOOST_AUTO_TEST_CASE(a_full_disk_loses_nothing_and_writing_goes_on_when_there_is_space)
{
    const small_disk disk;
    if (!disk.mounted())
        return;
    const auto held = state_lock::acquire(disk.layout());
    const auto store = open_sqlite_store(disk.layout());
    writer w(*store);
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    w.flush();
    disk.fill();
    for (std::int64_t i = 0; i < 500; ++i)
        w.append(with_output(i));
    BOOST_CHECK_EXCEPTION(w.flush(), store_error, is_full);
    const auto durable = w.durable();
    BOOST_TEST(durable < w.last());
    BOOST_TEST(records_of(*open_sqlite_reader(disk.layout()), run_number(1)).size() == durable);
    BOOST_CHECK_EXCEPTION(w.flush(), store_error, is_full);
    w.append(with_output(500));
    std::filesystem::remove(disk.ballast());
    w.flush();
    BOOST_TEST(w.stop() == 0U);
    const auto records = records_of(*store, run_number(1));
    BOOST_REQUIRE(records.size() == 502U);
    for (std::int64_t i = 0; i <= 500; ++i)
        BOOST_REQUIRE((records[static_cast<std::size_t>(i) + 1] == with_output(i)));
}

BOOST_AUTO_TEST_CASE(a_journal_that_outgrows_its_disk_keeps_what_it_has)
{
    const small_disk disk;
    if (!disk.mounted())
        return;
    const auto held = state_lock::acquire(disk.layout());
    std::size_t kept = 0;
    {
        const auto store = open_sqlite_store(disk.layout());
        store->append(run_with({}));
        batch b;
        b.records.assign(50, with_output(1));
        const auto append_for_ever = [&] {
            while (true) {
                store->append(b);
                kept += b.size();
            }
        };
        BOOST_CHECK_EXCEPTION(append_for_ever(), store_error, is_full);
    }
    BOOST_TEST(kept > 0U);
    BOOST_TEST(records_of(*open_sqlite_reader(disk.layout()), run_number(1)).size() == kept);
}

BOOST_AUTO_TEST_CASE(a_journal_cannot_be_made_on_a_full_disk)
{
    const small_disk disk;
    if (!disk.mounted())
        return;
    const auto held = state_lock::acquire(disk.layout());
    disk.fill();
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(disk.layout()), store_error, is_full);
    std::filesystem::remove(disk.ballast());
    BOOST_CHECK_NO_THROW((void)open_sqlite_store(disk.layout()));
}

BOOST_AUTO_TEST_CASE(a_read_only_directory_can_be_read_and_says_that_it_cannot_be_written)
{
    const small_disk disk;
    if (!disk.mounted())
        return;
    {
        const auto held = state_lock::acquire(disk.layout());
        open_sqlite_store(disk.layout())->append(run_with({with_output(1)}));
    }
    disk.make_read_only();
    BOOST_CHECK_EXCEPTION((void)state_lock::acquire(disk.layout()), store_error, is_read_only);
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(disk.layout()), store_error, is_read_only);
    BOOST_TEST(records_of(*open_sqlite_reader(disk.layout()), run_number(1)).size() == 1U);
    const state_layout other(disk.layout().directory().parent_path() / "other");
    BOOST_CHECK_EXCEPTION((void)state_lock::acquire(other), store_error, is_read_only);
}

BOOST_AUTO_TEST_SUITE_END()
