/// Writes corpus/fuzz_journal_file's files in SQLite's format. Usage: write_journal_sample DIRECTORY

#include "journal_sample.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::fputs("usage: write_journal_sample DIRECTORY\n", stderr);
        return 2;
    }
    try {
        const std::filesystem::path directory = argv[1];
        potoo::fuzz::write_journal(directory / "empty", {});
        potoo::fuzz::write_journal(directory / "running_and_ended", potoo::fuzz::running_and_ended());
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
