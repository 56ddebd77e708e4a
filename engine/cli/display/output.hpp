#pragma once
/// @file
/// Where text goes: standard output, standard error, or a string.

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace potoo::cli {

/// Nobody reads this output any more (`potoo ls | head -1`).
class output_closed : public std::runtime_error
{
  public:
    output_closed() : std::runtime_error("the output was closed") {}
};

/// Gathers text and passes it on in large pieces. What is left is written by `flush`, not by the destructor.
class output
{
  public:
    output() = default;
    output(const output&) = delete;
    output& operator=(const output&) = delete;
    virtual ~output() = default;

    /// @throws output_closed, or std::system_error when it cannot be written (a full disk)
    void write(std::string_view text);

    void line(std::string_view text)
    {
        write(text);
        write("\n");
    }

    /// @throws as `write`
    void flush();

    [[nodiscard]] bool empty() const noexcept { return pending_.empty(); }

  private:
    static constexpr std::size_t piece = std::size_t{64} * 1024;

    virtual void pass_on(std::string_view text) = 0;

    std::string pending_;
};

/// A file descriptor, not owned. Waits while the reader is slow.
class file_output final : public output
{
  public:
    explicit file_output(int descriptor) noexcept : descriptor_(descriptor) {}

  private:
    void pass_on(std::string_view text) override;

    int descriptor_;
};

class string_output final : public output
{
  public:
    [[nodiscard]] std::string take()
    {
        flush();
        return std::exchange(text_, {});
    }

  private:
    void pass_on(std::string_view text) override { text_ += text; }

    std::string text_;
};

} // namespace potoo::cli
