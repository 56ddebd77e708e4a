#pragma once
/// @file
/// Plugin files as tests want them: read, changed, written to a directory that goes away.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace potoo::test {

inline std::string read_whole(const std::filesystem::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    if (!stream)
        throw std::runtime_error("cannot read " + file.native());
    return {std::istreambuf_iterator<char>(stream), {}};
}

class scratch_dir
{
  public:
    scratch_dir()
    {
        std::string name = (std::filesystem::temp_directory_path() / "potoo-plugin-XXXXXX").native();
        if (!::mkdtemp(name.data()))
            throw std::runtime_error("no scratch directory");
        path_ = name;
    }

    scratch_dir(const scratch_dir&) = delete;
    scratch_dir& operator=(const scratch_dir&) = delete;

    ~scratch_dir() { std::filesystem::remove_all(path_); }

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    std::filesystem::path write(const std::string& name, const std::string& contents) const
    {
        std::ofstream(path_ / name, std::ios::binary) << contents;
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

} // namespace potoo::test
