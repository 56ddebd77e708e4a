#pragma once
/// @file
/// Makes a test suite of all cells for a backend, and tells at the end which of them it passed.

#include "tests/integration/conformance/remote_system.hpp"

#include <functional>
#include <memory>
#include <string>

namespace potoo::conformance {

/// A file-scope object of this type adds the suite `name`.
class suite
{
  public:
    /// @param make a fresh remote system for each cell; null when the service is not there, and then the reason is in
    /// `why`
    suite(std::string name, std::function<std::unique_ptr<remote_system>(std::string& why)> make);
};

} // namespace potoo::conformance
