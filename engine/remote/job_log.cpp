#include <potoo/job_log.hpp>

#include <potoo/http_json.hpp>
#include <potoo/process.hpp>

#include <utility>

namespace potoo {
namespace {

constexpr std::string_view blanks = " \t\r\n";

bool is_blank(std::string_view line)
{
    return line.find_first_not_of(blanks) == std::string_view::npos;
}

bool looks_like_json(std::string_view line)
{
    const auto first = line.find_first_not_of(blanks);
    const auto last = line.find_last_not_of(blanks);
    return first != std::string_view::npos &&
           ((line[first] == '{' && line[last] == '}') || (line[first] == '[' && line[last] == ']'));
}

std::optional<json::value> as_json(std::string_view line)
{
    json::parse_options options;
    options.max_depth = deepest_json_body;
    boost::system::error_code ec;
    json::value v = json::parse(line, ec, {}, options);
    if (ec)
        return std::nullopt;
    return v;
}

} // namespace

void job_log::add(output_stream stream, std::string_view piece)
{
    if (piece.empty())
        return;
    context_.log_output(stream, piece);
    if (stream != output_stream::standard_output)
        return;
    for (;;) {
        const auto end = piece.find('\n');
        const std::string_view part = piece.substr(0, end);
        if (!too_long_ && begun_.size() + part.size() <= longest_result)
            begun_.append(part);
        else
            too_long_ = true;
        if (end == std::string_view::npos)
            return;
        if (too_long_)
            last_.clear();
        else if (!is_blank(begun_))
            last_.swap(begun_);
        begun_.clear();
        too_long_ = false;
        piece.remove_prefix(end + 1);
    }
}

std::optional<json::value> job_log::result() const
{
    if (too_long_)
        return std::nullopt;
    const std::string& line = last_line();
    return line.empty() ? std::nullopt : as_json(line);
}

const std::string& job_log::last_line() const noexcept
{
    return is_blank(begun_) ? last_ : begun_;
}

void job_log::add_result(json::value& output) const
{
    if (!output.is_object())
        return;
    auto r = result();
    if (r)
        output.get_object()["result"] = std::move(*r);
    else if (too_long_ || looks_like_json(last_line()))
        context_.log("the last line looks like JSON and is not, or is too long: there is no `result`");
}

} // namespace potoo
