#include "engine/host/abi_stamp.hpp"
#include "engine/host/host.hpp"
#include "tests/integration/plugin/plugin_files.hpp"

#include <potoo/operator.hpp>

#include <boost/test/unit_test.hpp>

using potoo::host::load_plugin;
using potoo::test::read_whole;
using potoo::test::scratch_dir;

namespace {

void refused(const std::filesystem::path& file, const std::vector<std::string>& parts)
{
    BOOST_CHECK_EXCEPTION(load_plugin(file), std::runtime_error, [&](const std::runtime_error& e) {
        const std::string text = e.what();
        BOOST_TEST(text.starts_with("the plugin " + file.native() + " cannot be loaded: "), text);
        for (const std::string& part : parts)
            BOOST_TEST(text.find(part) != std::string::npos, "`" << part << "` is not in: " << text);
        return true;
    });
}

/// The sample plugin with another word in its stamp, of the same length.
std::string forged(const std::string& from, const std::string& to)
{
    BOOST_REQUIRE_EQUAL(from.size(), to.size());
    std::string file = read_whole(SAMPLE_PLUGIN);
    const auto stamp = file.find(potoo::host::own_stamp());
    BOOST_REQUIRE(stamp != std::string::npos);
    const auto place = file.find(from, stamp);
    BOOST_REQUIRE(place != std::string::npos);
    return file.replace(place, from.size(), to);
}

std::string own_value(std::string_view name)
{
    const std::string stamp(potoo::host::own_stamp());
    const auto begin = stamp.find("\n" + std::string(name) + ": ") + name.size() + 3;
    return stamp.substr(begin, stamp.find('\n', begin) - begin);
}

} // namespace

BOOST_AUTO_TEST_SUITE(plugin_loader)

BOOST_AUTO_TEST_CASE(a_forged_stamp_is_refused_before_any_code_of_the_plugin_runs)
{
    const scratch_dir scratch;
    int n = 0;
    for (const char* name : {"potoo", "plugin interface", "compiler", "language", "standard library",
                             "standard library ABI", "standard library debug mode", "Boost",
                             "Asio separate compilation", "Asio no deprecated", "Asio allocator cache", "Asio threads",
                             "Asio handler tracking", "Asio default executor", "Asio reactor", "sanitizer"}) {
        const std::string value = own_value(name);
        std::string other = value;
        other.back() = other.back() == '7' ? '8' : '7';
        const std::string key = "\n" + std::string(name) + ": ";
        const auto file = scratch.write("forged" + std::to_string(n++) + ".so", forged(key + value, key + other));
        refused(file, {"\n  " + std::string(name) + ": plugin " + other + ", potoo " + value + "\n",
                       "\nrebuild it with ", "cmake --build"});
    }
    refused(scratch.write("format.so", forged("stamp 1", "stamp 9")), {"its stamp is of a kind"});
    BOOST_TEST(potoo::operators().find("sample_twice") == nullptr);
}

BOOST_AUTO_TEST_CASE(files_that_are_no_plugins_are_refused)
{
    const scratch_dir scratch;
    refused(scratch.path() / "missing.so", {"it does not exist"});
    refused(scratch.path(), {"it is not a file"});
    refused(scratch.write("text.so", "hello"), {"it is not an ELF file"});
    refused(scratch.write("cut.so", read_whole(SAMPLE_PLUGIN).substr(0, 5000)), {"it is damaged"});
    refused(UNSTAMPED_LIBRARY, {"it is not a potoo plugin, or was built without potoo_add_operators"});
}

BOOST_AUTO_TEST_CASE(what_the_dynamic_linker_says_is_passed_on)
{
    refused(UNRESOLVED_PLUGIN, {"undefined symbol", "found_in_no_library"});
}

BOOST_AUTO_TEST_CASE(a_plugin_brings_its_operators)
{
    load_plugin(SAMPLE_PLUGIN);
    const potoo::operator_entry* entry = potoo::operators().find("sample_twice");
    BOOST_REQUIRE(entry);
    BOOST_TEST(entry->summary == "Twice the number.");
    BOOST_TEST(potoo::operators().find("sample_stumble"));
}

BOOST_AUTO_TEST_CASE(loading_a_plugin_again_changes_nothing)
{
    load_plugin(SAMPLE_PLUGIN);
    const std::size_t count = potoo::operators().all().size();
    load_plugin(SAMPLE_PLUGIN);
    const std::filesystem::path file(SAMPLE_PLUGIN);
    load_plugin(file.parent_path() / "." / file.filename());
    BOOST_TEST(potoo::operators().all().size() == count);
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_loaded_plugin_is_refused_for_its_names)
{
    load_plugin(SAMPLE_PLUGIN);
    const scratch_dir scratch;
    refused(scratch.write("copy.so", read_whole(SAMPLE_PLUGIN)),
            {"two operators called `sample_twice`", "two operators called `sample_stumble`"});
}

BOOST_AUTO_TEST_CASE(a_taken_name_is_refused_each_time)
{
    refused(CLASHING_PLUGIN, {"two operators called `noop`"});
    refused(CLASHING_PLUGIN, {"two operators called `noop`"});
}

BOOST_AUTO_TEST_CASE(a_plugin_without_operators_is_refused)
{
    refused(EMPTY_PLUGIN, {"it brings no operator"});
}

BOOST_AUTO_TEST_SUITE_END()
