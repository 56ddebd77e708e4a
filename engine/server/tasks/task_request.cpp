#include "engine/server/tasks/task_request.hpp"

#include "engine/graph/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::server {

namespace {

constexpr std::array<std::string_view, 3> scope_names{"private", "shared", "system"};

constexpr std::array<std::string_view, 9> members{"operator", "with",       "key",   "name",       "scope",
                                                  "timeout",  "properties", "retry", "expressions"};

/// Of `key` and `name`, in bytes.
constexpr std::size_t longest_text = 512;

/// Of all `properties`, as JSON.
constexpr std::size_t largest_properties = std::size_t{64} * 1024;

using problem = task_refused::problem;

std::string_view noun(const json::value& v)
{
    switch (v.kind()) {
    case json::kind::null:
        return "null";
    case json::kind::bool_:
        return "true or false";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
        return "a number";
    case json::kind::string:
        return "a string";
    case json::kind::array:
        return "a list";
    case json::kind::object:
        return "a map";
    }
    return "?";
}

/// Reads members, and gathers what is wrong with them.
class request_reader
{
  public:
    request_reader(const json::object& body, std::vector<problem>& problems) : body_(body), problems_(problems) {}

    std::string text(std::string_view name, std::size_t longest)
    {
        const json::value* v = body_.if_contains(name);
        if (!v || v->is_null())
            return {};
        if (!v->is_string()) {
            add(name, fmt::format("must be a string, not {}", noun(*v)));
            return {};
        }
        std::string text(v->get_string());
        if (text.size() > longest)
            add(name, fmt::format("has {} bytes, and may have {}", text.size(), longest));
        return text;
    }

    bool flag(std::string_view name)
    {
        const json::value* v = body_.if_contains(name);
        if (v && !v->is_bool())
            add(name, fmt::format("must be true or false, not {}", noun(*v)));
        return v && v->is_bool() && v->get_bool();
    }

    json::object map(std::string_view name)
    {
        const json::value* v = body_.if_contains(name);
        if (!v || v->is_null())
            return {};
        if (!v->is_object()) {
            add(name, fmt::format("must be a map, not {}", noun(*v)));
            return {};
        }
        return v->get_object();
    }

    json::value any(std::string_view name)
    {
        const json::value* v = body_.if_contains(name);
        return v ? *v : json::value();
    }

    void refuse_unknown()
    {
        for (const auto& member : body_) {
            const std::string_view key(member.key());
            if (std::find(members.begin(), members.end(), key) == members.end())
                problems_.push_back({"/" + escape_pointer(key), "is not known", graph::nearest_spelling(key, members)});
        }
    }

    void add(std::string_view name, std::string text, std::string suggestion = {})
    {
        problems_.push_back({fmt::format("/{}", name), std::move(text), std::move(suggestion)});
    }

  private:
    const json::object& body_;
    std::vector<problem>& problems_;
};

} // namespace

std::string escape_pointer(std::string_view step)
{
    std::string out;
    for (const char c : step) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    }
    return out;
}

std::string_view to_string(task_scope s) noexcept
{
    return scope_names[static_cast<std::size_t>(s)];
}

std::optional<task_scope> parse_task_scope(std::string_view text) noexcept
{
    const auto found = std::find(scope_names.begin(), scope_names.end(), text);
    if (found == scope_names.end())
        return std::nullopt;
    return static_cast<task_scope>(found - scope_names.begin());
}

task_request parse_task_request(const json::value& body)
{
    if (!body.is_object())
        throw task_refused(
            task_refused::kind::invalid,
            fmt::format("a task is a map with `operator` and what it takes in `with`, not {}", noun(body)));
    std::vector<problem> problems;
    request_reader in(body.get_object(), problems);
    in.refuse_unknown();
    task_request r;
    r.operator_name = in.text("operator", longest_text);
    if (r.operator_name.empty() && problems.empty())
        in.add("operator", "is missing: say which operator does the work");
    r.with = in.any("with");
    r.key = in.text("key", longest_text);
    r.name = in.text("name", longest_text);
    r.timeout = in.text("timeout", longest_text);
    r.retry = in.any("retry");
    r.expressions = in.flag("expressions");
    r.properties = in.map("properties");
    if (const std::size_t size = json::serialize(r.properties).size(); size > largest_properties)
        in.add("properties", fmt::format("have {} bytes as JSON, and may have {}", size, largest_properties));
    const std::string scope = in.text("scope", longest_text);
    if (const auto known = scope.empty() ? task_scope::private_ : parse_task_scope(scope))
        r.scope = *known;
    else
        in.add("scope", fmt::format("must be private, shared or system, not {}", scope),
               graph::nearest_spelling(scope, scope_names));
    if (!problems.empty())
        throw task_refused(task_refused::kind::invalid, "the task cannot be begun as it is asked for",
                           std::move(problems));
    return r;
}

} // namespace potoo::server
