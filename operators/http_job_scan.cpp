#include "http_job_scan.hpp"

#include <potoo/http_json.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace potoo::http_job {
namespace {

namespace json = boost::json;
using boost::system::error_code;

bool is_name(std::string_view s)
{
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto other = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
    return !s.empty() && letter(s.front()) && std::all_of(s.begin(), s.end(), other);
}

/// Follows one path of members through the events of a parser. Depths count the containers that are open.
class member_cursor
{
  public:
    /// The value that comes next is where the path begins. The path has at least one member.
    void begin(const member_path& path, std::size_t depth) noexcept
    {
        path_ = &path;
        base_ = depth;
        open_ = 0;
        next_ = true;
    }

    void stop() noexcept { path_ = nullptr; }

    /// @return true when the member that comes next is the one looked for, or holds it: what was found before is void
    bool key(std::string_view name, std::size_t depth) noexcept
    {
        next_ = path_ && open_ > 0 && depth == base_ + open_ && (*path_)[open_ - 1] == name;
        return next_;
    }

    /// A value begins. @return true when it is the one looked for
    bool value(bool is_object) noexcept
    {
        if (!path_ || !next_)
            return false;
        next_ = false;
        if (open_ == path_->size())
            return true;
        open_ += is_object ? 1 : 0;
        return false;
    }

    /// @param depth after the object's end
    void object_end(std::size_t depth) noexcept
    {
        if (path_ && open_ > 0 && depth == base_ + open_ - 1)
            --open_;
    }

  private:
    const member_path* path_ = nullptr;
    std::size_t base_ = 0;
    std::size_t open_ = 0; ///< objects on the path that are open
    bool next_ = false;    ///< the value that comes next is on the path
};

class handler
{
  public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    void look_for_state(const member_path& path)
    {
        reset();
        state_.begin(path, 0);
    }

    void look_for_jobs(const member_path& items, const member_path& id, const member_path& state)
    {
        reset();
        id_path_ = &id;
        state_path_ = &state;
        items_.begin(items, 0);
        id_.stop();
        state_.stop();
    }

    std::string_view answer;
    /// It has something that is not read here.
    bool unusual = false;
    bool list_found = false;
    scanned_job current;
    std::vector<scanned_job> found;

    bool on_document_begin(error_code&) { return true; }

    bool on_document_end(error_code&) { return true; }

    bool on_object_begin(error_code&)
    {
        if (is_list_element())
            begin_job();
        other_value(true);
        ++depth_;
        return true;
    }

    bool on_object_end(std::size_t, error_code&)
    {
        --depth_;
        items_.object_end(depth_);
        id_.object_end(depth_);
        state_.object_end(depth_);
        if (is_list_element())
            end_job();
        return true;
    }

    bool on_array_begin(error_code&)
    {
        if (items_.value(false)) {
            list_found = true;
            list_depth_ = depth_ + 1;
        } else {
            other_value(false);
        }
        ++depth_;
        return true;
    }

    bool on_array_end(std::size_t, error_code&)
    {
        if (depth_ == list_depth_) {
            list_depth_ = 0;
            id_.stop();
            state_.stop();
        }
        --depth_;
        return true;
    }

    bool on_key_part(json::string_view, std::size_t, error_code&)
    {
        unusual = true;
        return true;
    }

    bool on_key(json::string_view s, std::size_t, error_code&)
    {
        const std::string_view name(s.data(), s.size());
        // The last of two members of a name counts, as it does in a value.
        if (items_.key(name, depth_) && list_found)
            unusual = true;
        if (id_.key(name, depth_))
            current.id = {};
        if (state_.key(name, depth_))
            current.state = {};
        return true;
    }

    bool on_string_part(json::string_view, std::size_t, error_code&)
    {
        unusual = true;
        return true;
    }

    bool on_string(json::string_view s, std::size_t, error_code&)
    {
        unusual |= items_.value(false) || is_list_element();
        if (id_.value(false))
            current.id = in_place(s);
        if (state_.value(false))
            current.state = in_place(s);
        return true;
    }

    bool on_number_part(json::string_view, error_code&) { return true; }

    bool on_int64(std::int64_t, json::string_view, error_code&) { return other_value(false); }

    bool on_uint64(std::uint64_t, json::string_view, error_code&) { return other_value(false); }

    bool on_double(double, json::string_view, error_code&) { return other_value(false); }

    bool on_bool(bool, error_code&) { return other_value(false); }

    bool on_null(error_code&) { return other_value(false); }

    bool on_comment_part(json::string_view, error_code&) { return true; }

    bool on_comment(json::string_view, error_code&) { return true; }

  private:
    void reset()
    {
        unusual = list_found = false;
        depth_ = list_depth_ = 0;
        current = {};
        found.clear();
        items_.stop();
        id_.stop();
    }

    bool other_value(bool is_object)
    {
        const bool wrong_list = items_.value(is_object);
        const bool wrong_id = id_.value(is_object);
        const bool wrong_state = state_.value(is_object);
        unusual |= wrong_list || wrong_id || wrong_state || (!is_object && is_list_element());
        return true;
    }

    [[nodiscard]] bool is_list_element() const noexcept { return list_depth_ != 0 && depth_ == list_depth_; }

    /// A string with escapes is put together in passing memory.
    std::string_view in_place(json::string_view s)
    {
        const bool inside = s.data() >= answer.data() && s.data() + s.size() <= answer.data() + answer.size();
        unusual |= !inside;
        return inside ? std::string_view(s.data(), s.size()) : std::string_view();
    }

    void begin_job()
    {
        current = {};
        id_.begin(*id_path_, depth_);
        state_.begin(*state_path_, depth_);
    }

    void end_job()
    {
        id_.stop();
        state_.stop();
        unusual |= current.id.empty() || current.state.empty();
        found.push_back(current);
    }

    const member_path* id_path_ = nullptr;
    const member_path* state_path_ = nullptr;
    member_cursor items_;
    member_cursor id_;
    member_cursor state_;
    std::size_t depth_ = 0;
    std::size_t list_depth_ = 0; ///< depth of the values of the list, while it is open
};

json::parse_options options()
{
    json::parse_options o;
    o.max_depth = deepest_json_body;
    return o;
}

} // namespace

std::optional<member_path> member_path_of(std::string_view expression, std::string_view root)
{
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
    while (!expression.empty() && blank(expression.front()))
        expression.remove_prefix(1);
    while (!expression.empty() && blank(expression.back()))
        expression.remove_suffix(1);
    if (!expression.starts_with(root))
        return std::nullopt;
    expression.remove_prefix(root.size());
    member_path path;
    while (expression.starts_with('.')) {
        expression.remove_prefix(1);
        const std::string_view name = expression.substr(0, expression.find('.'));
        if (!is_name(name))
            return std::nullopt;
        path.emplace_back(name);
        expression.remove_prefix(name.size());
    }
    if (path.empty() || !expression.empty())
        return std::nullopt;
    return path;
}

struct answer_scanner::parts
{
    json::basic_parser<handler> parser{options()};
};

answer_scanner::answer_scanner() : parts_(std::make_unique<parts>()) {}

answer_scanner::~answer_scanner() = default;

bool answer_scanner::read(std::string_view answer)
{
    auto& parser = parts_->parser;
    parser.reset();
    parser.handler().answer = answer;
    error_code ec;
    const std::size_t n = parser.write_some(false, answer.data(), answer.size(), ec);
    return !ec && n == answer.size() && !parser.handler().unusual;
}

std::optional<std::string_view> answer_scanner::state(std::string_view answer, const member_path& path)
{
    handler& h = parts_->parser.handler();
    h.look_for_state(path);
    if (!read(answer) || h.current.state.data() == nullptr)
        return std::nullopt;
    return h.current.state;
}

const std::vector<scanned_job>* answer_scanner::jobs(std::string_view answer, const member_path& items,
                                                     const member_path& id, const member_path& state)
{
    handler& h = parts_->parser.handler();
    h.look_for_jobs(items, id, state);
    if (!read(answer) || !h.list_found)
        return nullptr;
    return &h.found;
}

} // namespace potoo::http_job
