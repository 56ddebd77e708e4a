#pragma once

/// @file
/// The command line: `potoo COMMAND …`.

namespace potoo::cli {

/// Does what the arguments say. @return the exit code of `exit_code.hpp`
int main(int argc, char** argv);

} // namespace potoo::cli
