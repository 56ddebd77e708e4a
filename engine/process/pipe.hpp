#pragma once
/// @file
/// Pipes between the engine and its children.

#include "engine/process/descriptor.hpp"

namespace potoo::process {

struct pipe_ends
{
    descriptor read;
    descriptor write;
};

/// Both ends are closed on exec, and neither is one of the standard descriptors 0 to 2, so that a child can put them
/// there in any order. @throws std::system_error
[[nodiscard]] pipe_ends make_pipe();

} // namespace potoo::process
