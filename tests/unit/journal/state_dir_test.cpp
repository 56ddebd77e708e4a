#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/state_dir.hpp"

#include "samples.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

unsigned mode_of(const std::filesystem::path& p)
{
    struct stat s{};
    BOOST_REQUIRE(::stat(p.c_str(), &s) == 0);
    return s.st_mode & 0777U;
}

} // namespace

BOOST_AUTO_TEST_SUITE(state_dir)

BOOST_AUTO_TEST_CASE(a_second_engine_is_told_which_process_holds_the_directory)
{
    const scratch_dir dir;
    const auto held = state_lock::acquire(dir.layout());
    BOOST_CHECK_EXCEPTION((void)state_lock::acquire(dir.layout()), store_error, [&](const store_error& e) {
        const std::string text = e.what();
        return e.kind() == store_error_kind::locked && text.find(dir.path().string()) != std::string::npos &&
               text.find("process " + std::to_string(::getpid())) != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(the_lock_ends_with_its_holder)
{
    const scratch_dir dir;
    BOOST_TEST(!state_lock::is_held(dir.layout()));
    {
        auto held = state_lock::acquire(dir.layout());
        const auto moved = std::move(held);
        BOOST_TEST(state_lock::is_held(dir.layout()));
    }
    BOOST_TEST(!state_lock::is_held(dir.layout()));
    BOOST_CHECK_NO_THROW((void)state_lock::acquire(dir.layout()));
}

BOOST_AUTO_TEST_CASE(directory_and_files_are_for_their_owner_only)
{
    const scratch_dir dir;
    const state_layout layout(dir.path() / "deep" / "state");
    const auto old_mask = ::umask(0);
    const auto held = state_lock::acquire(layout);
    const auto store = open_sqlite_store(layout);
    store->append(run_with({}));
    ::umask(old_mask);
    BOOST_TEST(mode_of(layout.directory()) == 0700U);
    for (const auto& file :
         {layout.lock(), layout.database(), std::filesystem::path(layout.database().string() + "-wal")})
        BOOST_TEST(mode_of(file) == 0600U, file);
}

BOOST_AUTO_TEST_CASE(a_file_in_the_place_of_the_directory_is_refused)
{
    const scratch_dir dir;
    const auto file = dir.path() / "taken";
    std::ofstream(file) << "x";
    BOOST_CHECK_EXCEPTION((void)state_lock::acquire(state_layout(file)), store_error,
                          [](const store_error& e) { return e.kind() == store_error_kind::io; });
    BOOST_CHECK_THROW((void)state_lock::acquire(state_layout(file / "below")), store_error);
}

BOOST_AUTO_TEST_CASE(the_lock_is_not_inherited_by_programs_that_are_started)
{
    const scratch_dir dir;
    const auto held = state_lock::acquire(dir.layout());
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone) != dir.layout().lock())
            continue;
        BOOST_TEST((::fcntl(std::stoi(entry.path().filename().string()), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

BOOST_AUTO_TEST_SUITE_END()
