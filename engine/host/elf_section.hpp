#pragma once
/// @file
/// Reads one section of an ELF file without loading it. Any file may be thrown at it.

#include <cstddef>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace potoo::host {

/// Why a section cannot be read. Its text is the middle of a sentence: `is not an ELF file`.
class elf_error : public std::runtime_error
{
  public:
    enum class kind
    {
        not_elf,      ///< something else, or cut off before the end of its header
        not_for_here, ///< of another machine, or no shared object
        damaged,      ///< it says things about itself that cannot be
        no_section,   ///< in order as far as looked at, but without that section
        unreadable,   ///< the system refused
    };

    elf_error(kind k, const std::string& text) : std::runtime_error(text), kind_(k) {}

    [[nodiscard]] kind what_kind() const noexcept { return kind_; }

  private:
    kind kind_;
};

/// The contents of the first section called `name` of a shared object for this machine, 64 KiB at most.
/// @throws elf_error
[[nodiscard]] std::string read_elf_section(const std::filesystem::path& file, std::string_view name);

/// The same for a file in memory.
[[nodiscard]] std::string read_elf_section(std::span<const std::byte> file, std::string_view name);

} // namespace potoo::host
