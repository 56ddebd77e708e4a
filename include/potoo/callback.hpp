#pragma once
/// @file
/// Something that an attempt waits for and that is delivered from outside: an approval, a webhook, a person's answer.

#include <string>
#include <utility>

namespace potoo {

/// Made by `context::callback`. A value: it may be copied and handed to whoever tells the outside about it.
class open_callback
{
  public:
    open_callback(std::string name, std::string token) : name_(std::move(name)), token_(std::move(token)) {}

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// Whoever has it can complete the callback, once: `potoo complete TOKEN --output '{"ok": true}'`. It cannot be
    /// guessed, and is the same in every replay: `<run id>.<random>`, letters, digits and one dot.
    [[nodiscard]] const std::string& token() const noexcept { return token_; }

  private:
    std::string name_;
    std::string token_;
};

} // namespace potoo
