#pragma once
// A state directory of its own for a test.

#include "engine/journal/state_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace potoo::host::test {

class scratch_state
{
  public:
    scratch_state()
    {
        std::string name = (std::filesystem::temp_directory_path() / "potoo-host-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }

    scratch_state(const scratch_state&) = delete;
    scratch_state& operator=(const scratch_state&) = delete;

    ~scratch_state()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    [[nodiscard]] journal::state_layout layout() const { return journal::state_layout(path_); }

  private:
    std::filesystem::path path_;
};

} // namespace potoo::host::test
