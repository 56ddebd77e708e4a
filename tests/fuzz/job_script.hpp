#pragma once
/// @file
/// What fuzz_http_job reads: a line of words that say how the task is written and what befalls it, then the answers of
/// the service in the order of the requests, each after a line `%%`. An answer is what a server sends (the protocol may
/// be missing), or `!` and a number: no answer, for the reason of that `http_error`.
///
///     find cancel logs stop3
///     %%
///     HTTP/1.1 201 Created
///
///     {"id": "job-1"}
///     %%
///     !8

#include <potoo/http.hpp>

#include <boost/system/result.hpp>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace potoo::fuzz {

using answer = boost::system::result<http_response>;

class job_script
{
  public:
    explicit job_script(std::string_view text)
    {
        constexpr std::string_view mark = "%%\n";
        std::size_t at = text.find(mark);
        words_ = text.substr(0, at);
        while (at != std::string_view::npos) {
            const std::size_t begin = at + mark.size();
            at = text.find(mark, begin);
            answers_.push_back(parse(text.substr(begin, at == std::string_view::npos ? at : at - begin)));
        }
    }

    [[nodiscard]] bool says(std::string_view word) const { return words_.find(word) != std::string_view::npos; }

    /// The digit behind a word; 0 when the word is not there.
    [[nodiscard]] unsigned number(std::string_view word) const
    {
        const auto at = words_.find(word);
        if (at == std::string_view::npos || at + word.size() >= words_.size())
            return 0;
        const char c = words_[at + word.size()];
        return c >= '0' && c <= '9' ? static_cast<unsigned>(c - '0') : 0;
    }

    [[nodiscard]] std::deque<answer>& answers() noexcept { return answers_; }

  private:
    static answer parse(std::string_view text)
    {
        if (text.starts_with('!'))
            return failure(text.substr(1));
        constexpr std::string_view protocol = "HTTP/1.1 ";
        if (text.starts_with(protocol))
            text.remove_prefix(protocol.size());
        http_response r;
        r.status = status(take_line(text));
        while (!text.empty()) {
            const auto line = take_line(text);
            if (line.empty())
                break;
            const auto colon = line.find(':');
            const auto value = colon == std::string_view::npos ? colon : line.find_first_not_of(' ', colon + 1);
            if (value != std::string_view::npos)
                r.headers.push_back({std::string(line.substr(0, colon)), std::string(line.substr(value))});
        }
        r.body = text;
        return r;
    }

    /// What the client would give: a number from 200 to 999.
    static unsigned status(std::string_view line)
    {
        unsigned n = 0;
        for (const char c : line.substr(0, 3))
            n = n * 10 + static_cast<unsigned>(c - '0') % 10;
        return n < 200 ? n + 200 : n;
    }

    static http_error failure(std::string_view text)
    {
        constexpr unsigned errors = static_cast<unsigned>(http_error::too_many_redirects);
        unsigned n = 0;
        for (const char c : text.substr(0, 2))
            n = c >= '0' && c <= '9' ? n * 10 + static_cast<unsigned>(c - '0') : n;
        return static_cast<http_error>(n % errors + 1);
    }

    static std::string_view take_line(std::string_view& text)
    {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        return line;
    }

    std::string_view words_;
    std::deque<answer> answers_;
};

} // namespace potoo::fuzz
