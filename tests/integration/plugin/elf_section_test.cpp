#include "engine/host/elf_section.hpp"
#include "tests/integration/plugin/plugin_files.hpp"

#include <potoo/plugin.hpp>

#include <boost/test/unit_test.hpp>

#include <elf.h>

#include <cstring>
#include <random>

using namespace potoo::host;
using potoo::test::read_whole;
using potoo::test::scratch_dir;
using kind = elf_error::kind;

namespace {

std::string section_of(const std::string& file, std::string_view name = POTOO_STAMP_SECTION)
{
    return read_elf_section(std::as_bytes(std::span(file)), name);
}

void refused(const std::string& file, kind expected)
{
    BOOST_CHECK_EXCEPTION(static_cast<void>(section_of(file)), elf_error, [&](const elf_error& e) {
        BOOST_TEST_INFO(e.what());
        return e.what_kind() == expected;
    });
}

template <class Field>
std::string with(std::string file, std::size_t offset, Field value)
{
    std::memcpy(file.data() + offset, &value, sizeof value);
    return file;
}

/// @return whether a section came out
bool survives(const std::string& file)
{
    try {
        static_cast<void>(section_of(file));
        return true;
    } catch (const elf_error&) {
        return false;
    }
}

const std::string& plugin()
{
    static const std::string contents = read_whole(SAMPLE_PLUGIN);
    return contents;
}

} // namespace

BOOST_AUTO_TEST_SUITE(elf_section)

BOOST_AUTO_TEST_CASE(the_stamp_of_a_plugin_is_found_without_loading_it)
{
    const std::string stamp = read_elf_section(std::filesystem::path(SAMPLE_PLUGIN), POTOO_STAMP_SECTION);
    BOOST_TEST(stamp.starts_with(POTOO_STAMP_FORMAT "\n"));
    BOOST_TEST(stamp == section_of(plugin()));
}

BOOST_AUTO_TEST_CASE(a_section_that_is_not_there_is_told_from_a_damaged_file)
{
    refused(read_whole(UNSTAMPED_LIBRARY), kind::no_section);
    BOOST_CHECK_THROW(section_of(plugin(), ".no_such"), elf_error);
}

BOOST_AUTO_TEST_CASE(what_is_not_elf_is_refused)
{
    refused("", kind::not_elf);
    refused("#!/bin/sh\necho hello, this is a script\n", kind::not_elf);
    refused("\x7f"
            "ELF",
            kind::not_elf);
    refused(std::string(100'000, '\0'), kind::not_elf);
}

BOOST_AUTO_TEST_CASE(other_machines_and_programs_are_refused)
{
    refused(with(plugin(), EI_CLASS, static_cast<unsigned char>(ELFCLASS32)), kind::not_for_here);
    refused(with(plugin(), EI_DATA, static_cast<unsigned char>(9)), kind::not_for_here);
    refused(with(plugin(), offsetof(Elf64_Ehdr, e_machine), std::uint16_t{EM_SPARC}), kind::not_for_here);
    refused(with(plugin(), offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_REL}), kind::not_for_here);
}

BOOST_AUTO_TEST_CASE(impossible_claims_are_refused)
{
    const auto header = [](std::size_t offset, auto value) { refused(with(plugin(), offset, value), kind::damaged); };
    header(offsetof(Elf64_Ehdr, e_shoff), ~std::uint64_t{0});
    header(offsetof(Elf64_Ehdr, e_shoff), std::uint64_t{plugin().size() - 8});
    header(offsetof(Elf64_Ehdr, e_shentsize), std::uint16_t{1});
    header(offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{0xfff0});
    header(offsetof(Elf64_Ehdr, e_shstrndx), std::uint16_t{0xfeff});
    refused(with(plugin(), offsetof(Elf64_Ehdr, e_shoff), std::uint64_t{0}), kind::no_section);
}

BOOST_AUTO_TEST_CASE(a_file_cut_off_anywhere_is_refused)
{
    for (std::size_t size = 0; size < plugin().size(); size += size < 256 ? 1 : 997)
        BOOST_TEST(!survives(plugin().substr(0, size)), "cut after " << size);
}

BOOST_AUTO_TEST_CASE(no_mutation_does_harm)
{
    std::mt19937 random(20261122);
    const auto below = [&random](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    Elf64_Ehdr header;
    std::memcpy(&header, plugin().data(), sizeof header);
    const std::size_t table = header.e_shoff;
    const std::size_t table_size = std::size_t{header.e_shnum} * sizeof(Elf64_Shdr);
    std::size_t readable = 0;
    std::string file = plugin();
    for (int round = 0; round < 20'000; ++round) {
        // Of the header and the section table, because nothing else is looked at.
        const std::size_t changes = 1 + below(4);
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < changes; ++i)
            places.push_back(below(2) ? below(sizeof header) : table + below(table_size));
        for (const std::size_t p : places)
            file[p] = static_cast<char>(below(3) ? below(256) : 0xff);
        readable += survives(file) ? 1u : 0u;
        for (const std::size_t p : places)
            file[p] = plugin()[p];
    }
    BOOST_TEST(readable > 0u);
    BOOST_TEST(readable < 20'000u);
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_refused_by_name)
{
    const scratch_dir scratch;
    const auto refused_path = [](const std::filesystem::path& file, const std::string& text) {
        BOOST_CHECK_EXCEPTION(static_cast<void>(read_elf_section(file, ".x")), elf_error, [&](const elf_error& e) {
            BOOST_TEST(std::string(e.what()) == text);
            return e.what_kind() == kind::unreadable;
        });
    };
    refused_path(scratch.path() / "missing.so", "does not exist");
    refused_path(scratch.path(), "is not a file");
    refused_path("/dev/zero", "is not a file");
}

BOOST_AUTO_TEST_SUITE_END()
