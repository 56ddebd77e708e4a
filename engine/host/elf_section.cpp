#include "engine/host/elf_section.hpp"

#include <elf.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <system_error>
#include <vector>

namespace potoo::host {

namespace {

constexpr std::uint64_t max_section = std::uint64_t{64} << 10;
constexpr std::uint64_t max_sections = std::uint64_t{1} << 16;
constexpr std::uint64_t max_names = std::uint64_t{16} << 20;

#if defined(__x86_64__)
constexpr std::uint16_t this_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t this_machine = EM_AARCH64;
#elif defined(__riscv)
constexpr std::uint16_t this_machine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr std::uint16_t this_machine = EM_PPC64;
#elif defined(__s390x__)
constexpr std::uint16_t this_machine = EM_S390;
#else
#error "say here what ELF calls this machine"
#endif

/// Where the bytes come from. `size` is what there was when it was opened; a file may shrink afterwards.
struct source
{
    std::uint64_t size;
    std::function<bool(std::uint64_t offset, std::span<char> into)> read;
};

[[noreturn]] void damaged(const std::string& what)
{
    throw elf_error(elf_error::kind::damaged, "is damaged: " + what);
}

void read_into(const source& from, std::uint64_t offset, std::span<char> into, const char* what)
{
    if (offset > from.size || into.size() > from.size - offset)
        damaged(std::string(what) + " lies beyond the end of the file");
    if (!from.read(offset, into))
        throw elf_error(elf_error::kind::unreadable, "cannot be read");
}

template <class Record>
Record read_record(const source& from, std::uint64_t offset, const char* what)
{
    std::array<char, sizeof(Record)> bytes;
    read_into(from, offset, bytes, what);
    return std::bit_cast<Record>(bytes);
}

Elf64_Ehdr read_header(const source& from)
{
    std::array<char, EI_NIDENT> ident{};
    if (from.size < sizeof ident || !from.read(0, ident) || std::memcmp(ident.data(), ELFMAG, SELFMAG) != 0)
        throw elf_error(elf_error::kind::not_elf, "is not an ELF file, so it is no plugin");
    constexpr auto order = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
    const char* const other = "is for another kind of machine";
    if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != order)
        throw elf_error(elf_error::kind::not_for_here, other);
    if (from.size < sizeof(Elf64_Ehdr))
        throw elf_error(elf_error::kind::not_elf, "is cut off after its first bytes");
    const auto header = read_record<Elf64_Ehdr>(from, 0, "the header");
    if (header.e_machine != this_machine)
        throw elf_error(elf_error::kind::not_for_here, other);
    if (header.e_type != ET_DYN)
        throw elf_error(elf_error::kind::not_for_here, "is not a shared object (link it with -shared)");
    return header;
}

std::vector<Elf64_Shdr> read_sections(const source& from, const Elf64_Ehdr& header)
{
    if (header.e_shoff == 0)
        return {};
    if (header.e_shentsize != sizeof(Elf64_Shdr))
        damaged("its section headers have an impossible size");
    std::uint64_t count = header.e_shnum;
    if (count == 0)
        count = read_record<Elf64_Shdr>(from, header.e_shoff, "the section table").sh_size;
    if (count > max_sections)
        damaged("it claims to have " + std::to_string(count) + " sections");
    std::vector<Elf64_Shdr> sections(count);
    if (count > 0)
        read_into(from, header.e_shoff,
                  {reinterpret_cast<char*>(sections.data()), sections.size() * sizeof(Elf64_Shdr)},
                  "the section table");
    return sections;
}

std::string read_contents(const source& from, const Elf64_Shdr& section, std::uint64_t limit, const char* what)
{
    if (section.sh_type == SHT_NOBITS)
        damaged(std::string(what) + " has no contents");
    if (section.sh_size > limit)
        damaged(std::string(what) + " is too large");
    std::string contents(section.sh_size, '\0');
    read_into(from, section.sh_offset, contents, what);
    return contents;
}

std::string read_names(const source& from, const Elf64_Ehdr& header, const std::vector<Elf64_Shdr>& sections)
{
    const std::uint64_t index = header.e_shstrndx == SHN_XINDEX ? sections.front().sh_link : header.e_shstrndx;
    if (index >= sections.size())
        damaged("its section names are nowhere");
    return read_contents(from, sections[index], max_names, "the table of section names");
}

std::string find_section(const source& from, std::string_view name)
{
    const Elf64_Ehdr header = read_header(from);
    const std::vector<Elf64_Shdr> sections = read_sections(from, header);
    const std::string names = sections.empty() ? std::string() : read_names(from, header, sections);
    for (const Elf64_Shdr& section : sections) {
        if (section.sh_name >= names.size())
            continue;
        const std::string_view rest = std::string_view(names).substr(section.sh_name);
        if (rest.substr(0, rest.find('\0')) == name)
            return read_contents(from, section, max_section, "the section");
    }
    throw elf_error(elf_error::kind::no_section, "has no section " + std::string(name));
}

} // namespace

std::string read_elf_section(const std::filesystem::path& file, std::string_view name)
{
    std::error_code ec;
    const auto status = std::filesystem::status(file, ec);
    if (!std::filesystem::exists(status))
        throw elf_error(elf_error::kind::unreadable, ec && ec != std::errc::no_such_file_or_directory
                                                         ? "cannot be looked at: " + ec.message()
                                                         : "does not exist");
    if (!std::filesystem::is_regular_file(status))
        throw elf_error(elf_error::kind::unreadable, "is not a file");
    const auto size = std::filesystem::file_size(file, ec);
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    if (ec || !stream)
        throw elf_error(elf_error::kind::unreadable,
                        "cannot be opened: " + (ec ? ec.message() : std::generic_category().message(errno)));
    return find_section({size,
                         [&stream](std::uint64_t offset, std::span<char> into) {
                             stream.seekg(static_cast<std::streamoff>(offset));
                             stream.read(into.data(), static_cast<std::streamsize>(into.size()));
                             return stream.good();
                         }},
                        name);
}

std::string read_elf_section(std::span<const std::byte> file, std::string_view name)
{
    return find_section({file.size(),
                         [file](std::uint64_t offset, std::span<char> into) {
                             std::memcpy(into.data(), file.data() + offset, into.size());
                             return true;
                         }},
                        name);
}

} // namespace potoo::host
