#pragma once
// Texts that people have looked at, kept as files. `POTOO_UPDATE_GOLDEN=1` writes them anew, to be looked at again.

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace potoo::cli::test {

inline void check_golden(const std::string& name, const std::string& text)
{
    const std::string file = std::string(POTOO_GOLDEN_DIR) + "/" + name;
    if (std::getenv("POTOO_UPDATE_GOLDEN")) {
        std::ofstream(file) << text;
        return;
    }
    std::ifstream in(file);
    BOOST_REQUIRE_MESSAGE(in, file << " is missing; POTOO_UPDATE_GOLDEN=1 writes it");
    const std::string expected((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    BOOST_TEST(text == expected, "differs from " << name << ":\n" << text);
}

} // namespace potoo::cli::test
