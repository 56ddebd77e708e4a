#include "engine/cli/cli.hpp"

int main(int argc, char** argv)
{
    return potoo::cli::main(argc, argv);
}
