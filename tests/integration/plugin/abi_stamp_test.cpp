#include "engine/host/abi_stamp.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::host;

namespace {

const std::string own = "potoo plugin stamp 1\npotoo: 0.1.0\ncompiler: clang 19\nBoost: 1_81\nsanitizer: none\n";

std::string replaced(std::string text, const std::string& from, const std::string& to)
{
    return text.replace(text.find(from), from.size(), to);
}

std::string explained(const std::string& plugin)
{
    const auto comparison = compare_stamps(plugin, own);
    BOOST_TEST(!comparison.same());
    return explain_mismatch(comparison, own);
}

constexpr const char* rebuild =
    "rebuild it with clang++-19 against potoo 0.1.0 and Boost 1.81: configure its build directory anew with "
    "-DCMAKE_CXX_COMPILER=clang++-19, then cmake --build DIRECTORY --clean-first";

} // namespace

BOOST_AUTO_TEST_SUITE(abi_stamp)

BOOST_AUTO_TEST_CASE(a_stamp_is_the_same_as_itself)
{
    BOOST_TEST(compare_stamps(own, own).same());
    BOOST_TEST(compare_stamps(own + '\0', own).same());
    BOOST_TEST(compare_stamps(own_stamp(), own_stamp()).same());
}

BOOST_AUTO_TEST_CASE(every_difference_is_named_with_both_sides)
{
    const std::string plugin = replaced(replaced(own, "clang 19", "g++ 13"), "1_81", "1_74");
    BOOST_TEST(explained(plugin) == std::string("it was not built with what this potoo was built with:\n"
                                                "  compiler: plugin g++ 13, potoo clang 19\n"
                                                "  Boost: plugin 1_74, potoo 1_81\n") +
                                        rebuild);
}

BOOST_AUTO_TEST_CASE(what_one_side_does_not_mention_is_a_difference)
{
    BOOST_TEST(explained(replaced(own, "sanitizer: none\n", "")).find("sanitizer: plugin says nothing, potoo none") !=
               std::string::npos);
    BOOST_TEST(explained(own + "wings: two\n").find("wings: plugin two, potoo says nothing") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_sanitizer_of_this_potoo_is_in_the_advice)
{
    const std::string mine = replaced(own, "sanitizer: none", "sanitizer: address");
    const std::string text = explain_mismatch(compare_stamps(own, mine), mine);
    BOOST_TEST(text.find("and with -fsanitize=address") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_stamp_of_another_format_is_unreadable)
{
    for (const std::string& plugin :
         {std::string(), std::string("potoo"), std::string(64, '\0'), replaced(own, "stamp 1", "stamp 2"),
          replaced(own, "compiler: ", "compiler"), own + "no end of line: x", std::string("potoo plugin stamp 1")})
        BOOST_TEST(!compare_stamps(plugin, own).readable, plugin);
    BOOST_TEST(explained("?") ==
               std::string("its stamp is of a kind that this potoo does not know, so another potoo made it\n") +
                   rebuild);
}

BOOST_AUTO_TEST_CASE(what_a_plugin_says_is_shown_harmlessly)
{
    const std::string text = explained(replaced(own, "clang 19", "\x1b[31mred\x07" + std::string(500, 'x')));
    BOOST_TEST(text.find('\x1b') == std::string::npos);
    BOOST_TEST(text.find('\x07') == std::string::npos);
    BOOST_TEST(text.find("plugin ?[31mred?") != std::string::npos);
    BOOST_TEST(text.size() < 500u);
}

BOOST_AUTO_TEST_SUITE_END()
