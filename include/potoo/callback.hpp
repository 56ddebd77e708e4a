#pragma once
/// @file
/// Something that an attempt waits for and that is delivered from outside: an approval, a webhook, a person's answer.

#include <string>
#include <utility>

namespace potoo {

/// Where a server takes deliveries, before the token.
inline constexpr const char* callback_path = "/api/v1/callbacks/";

/// Made by `context::callback`. A value: it may be copied and handed to whoever tells the outside about it.
class open_callback
{
  public:
    /// @param base what stands before the token in its URL
    open_callback(std::string name, std::string token, const std::string& base = callback_path)
        : name_(std::move(name)), token_(std::move(token)), url_(base + token_)
    {}

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// Whoever has it can complete the callback, once: `potoo complete TOKEN --output '{"ok": true}'`. It cannot be
    /// guessed, and is the same in every replay: `<run id>.<random>`, letters, digits and one dot.
    [[nodiscard]] const std::string& token() const noexcept { return token_; }

    /// Where the token is delivered by a POST of `{"state": "success", "output": …}`, or `failed` with `error`, or
    /// `running` with `progress`. Begins with `/` when the engine does not know how it is reached from outside.
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

  private:
    std::string name_;
    std::string token_;
    std::string url_;
};

} // namespace potoo
