#include "engine/graph/describe_value.hpp"
#include "engine/graph/document_builder.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace potoo::graph {

namespace {

/// Follows the parser through the source: an event comes only after the parser has accepted its token, so that finding
/// the next token needs no checks.
class token_marks
{
  public:
    explicit token_marks(std::string_view source) : source_(source) {}

    /// Place of the next token; moves behind it.
    mark next()
    {
        while (at_ < source_.size() && is_between(source_[at_]))
            step();
        const mark where{line_, static_cast<std::uint32_t>(at_ - line_start_) + 1};
        skip_token();
        return where;
    }

    /// Place of a byte, for errors.
    [[nodiscard]] mark place_of(std::size_t offset) const
    {
        const auto before = source_.substr(0, std::min(offset, source_.size()));
        const auto line_begin = before.rfind('\n') + 1;
        return {static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1,
                static_cast<std::uint32_t>(before.size() - line_begin) + 1};
    }

  private:
    static bool is_between(char c)
    {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':' || c == '}' || c == ']';
    }

    void step()
    {
        if (source_[at_++] == '\n') {
            ++line_;
            line_start_ = at_;
        }
    }

    void skip_token()
    {
        if (at_ == source_.size())
            return;
        const char first = source_[at_++];
        if (first == '{' || first == '[')
            return;
        if (first != '"') {
            while (at_ < source_.size() && !is_between(source_[at_]))
                ++at_;
            return;
        }
        while (at_ < source_.size() && source_[at_] != '"')
            at_ += source_[at_] == '\\' ? 2 : 1;
        ++at_;
    }

    std::string_view source_;
    std::size_t at_ = 0;
    std::size_t line_start_ = 0;
    std::uint32_t line_ = 1;
};

/// The handler that Boost.JSON's parser calls.
struct json_events
{
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);

    json_events(document_builder& b, std::string_view source) : builder(&b), marks(source) {}

    using error_code = boost::system::error_code;

    bool on_document_begin(error_code&) { return true; }

    bool on_document_end(error_code&) { return true; }

    bool on_array_begin(error_code&) { return open(node_kind::list); }

    bool on_array_end(std::size_t, error_code&) { return close(); }

    bool on_object_begin(error_code&) { return open(node_kind::map); }

    bool on_object_end(std::size_t, error_code&) { return close(); }

    bool on_string_part(json::string_view s, std::size_t, error_code&)
    {
        text.append(s.data(), s.size());
        return true;
    }

    bool on_string(json::string_view s, std::size_t, error_code&)
    {
        text.append(s.data(), s.size());
        builder->add_text(marks.next(), text);
        text.clear();
        return true;
    }

    bool on_key_part(json::string_view s, std::size_t n, error_code& ec) { return on_string_part(s, n, ec); }

    bool on_key(json::string_view s, std::size_t n, error_code& ec) { return on_string(s, n, ec); }

    bool on_number_part(json::string_view, error_code&) { return true; }

    bool on_int64(std::int64_t v, json::string_view, error_code&)
    {
        auto n = scalar(node_kind::integer);
        n.integer = v;
        builder->add(n);
        return true;
    }

    bool on_uint64(std::uint64_t v, json::string_view, error_code&)
    {
        auto n = scalar(node_kind::unsigned_integer);
        n.unsigned_integer = v;
        builder->add(n);
        return true;
    }

    bool on_double(double v, json::string_view, error_code&)
    {
        auto n = scalar(node_kind::real);
        n.real = v;
        builder->add(n);
        return true;
    }

    bool on_bool(bool v, error_code&)
    {
        auto n = scalar(node_kind::boolean);
        n.boolean = v;
        builder->add(n);
        return true;
    }

    bool on_null(error_code&)
    {
        builder->add(scalar(node_kind::null));
        return true;
    }

    bool on_comment_part(json::string_view, error_code&) { return true; }

    bool on_comment(json::string_view, error_code&) { return true; }

    node scalar(node_kind kind)
    {
        const auto where = marks.next();
        node n;
        n.kind = kind;
        n.line = where.line;
        n.column = where.column;
        return n;
    }

    bool open(node_kind kind)
    {
        builder->open(kind, marks.next());
        return true;
    }

    bool close()
    {
        builder->close();
        return true;
    }

    document_builder* builder;
    token_marks marks;
    std::string text;
};

std::string explain(std::string_view source, std::size_t offset, const boost::system::error_code& ec)
{
    if (offset >= source.size() || ec == json::error::incomplete)
        return "the JSON text ends too early: a string, list or map is not closed";
    if (ec == json::error::extra_data)
        return "the JSON text has ended before this";
    const auto before = source.find_last_not_of(" \t\r\n", offset == 0 ? 0 : offset - 1);
    const char last = before == std::string_view::npos || before >= offset ? '\0' : source[before];
    const char here = source[offset];
    if ((here == '}' || here == ']') && last == ',')
        return "JSON allows no comma before a closing bracket";
    if (here == '\'')
        return "JSON strings stand in double quotes";
    if (here == '/' || here == '#')
        return "JSON has no comments";
    return fmt::format("not JSON: {}", ec.message());
}

} // namespace

std::optional<document> read_json(std::string_view source, diagnostic_sink& problems)
{
    if (source.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        problems.add({1, 1}, "the file is empty");
        return std::nullopt;
    }
    document_builder builder(problems);
    json::parse_options options;
    options.max_depth = document::max_depth + 1; // the builder's own check comes first and names the limit
    json::basic_parser<json_events> parser(options, builder, source);
    boost::system::error_code ec;
    try {
        const auto read = parser.write_some(false, source.data(), source.size(), ec);
        const auto rest = source.find_first_not_of(" \t\r\n", read);
        if (!ec && rest != std::string_view::npos) {
            ec = json::error::extra_data;
            problems.add(token_marks(source).place_of(rest), explain(source, rest, ec));
            return std::nullopt;
        }
        if (ec) {
            problems.add(token_marks(source).place_of(read), explain(source, read, ec));
            return std::nullopt;
        }
    } catch (const unreadable&) {
        return std::nullopt;
    }
    if (!problems.empty())
        return std::nullopt;
    return builder.finish();
}

} // namespace potoo::graph
