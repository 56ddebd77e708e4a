#include "engine/server/tasks/callback_message.hpp"

#include "engine/graph/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace potoo::server {

namespace {

using problem = task_refused::problem;
using state_kind = callback_message::state_kind;

constexpr std::array<std::string_view, 3> state_names{"success", "failed", "running"};
constexpr std::array<std::string_view, 4> members{"state", "output", "progress", "error"};
constexpr std::array<std::string_view, 4> progress_members{"fraction", "n", "of", "message"};

/// Of the text of a progress, in bytes.
constexpr std::size_t longest_message = 4'096;

class message_reader
{
  public:
    explicit message_reader(const json::object& body) : body_(body) {}

    callback_message read()
    {
        refuse_unknown(body_, "", members);
        callback_message m;
        m.state = state();
        if (const json::value* output = body_.if_contains("output")) {
            if (m.state == state_kind::success)
                m.output = *output;
            else
                add("/output", "belongs to a success");
        }
        if (const json::value* error = body_.if_contains("error"))
            read_error(*error, m);
        if (m.state == state_kind::failed && m.error.empty())
            m.error["message"] = "it failed, and did not say why";
        if (const json::value* progress = body_.if_contains("progress"))
            read_progress(*progress, m);
        if (!problems_.empty())
            throw task_refused(task_refused::kind::invalid, "what was posted cannot be delivered",
                               std::move(problems_));
        return m;
    }

  private:
    void add(std::string place, std::string text, std::string suggestion = {})
    {
        problems_.push_back({std::move(place), std::move(text), std::move(suggestion)});
    }

    void refuse_unknown(const json::object& o, const std::string& place, std::span<const std::string_view> known)
    {
        for (const auto& member : o) {
            const std::string_view key(member.key());
            if (std::find(known.begin(), known.end(), key) == known.end())
                add(place + "/" + escape_pointer(key), "is not known", graph::nearest_spelling(key, known));
        }
    }

    state_kind state()
    {
        const json::value* v = body_.if_contains("state");
        const std::string_view text = v && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
        const auto found = std::find(state_names.begin(), state_names.end(), text);
        if (found != state_names.end())
            return static_cast<state_kind>(found - state_names.begin());
        add("/state",
            v ? fmt::format("must be success, failed or running, not {}", json::serialize(*v).substr(0, 100))
              : std::string("is missing: success, failed or running"),
            text.empty() ? std::string() : graph::nearest_spelling(text, state_names));
        return state_kind::running;
    }

    void read_error(const json::value& v, callback_message& m)
    {
        if (m.state != state_kind::failed)
            return add("/error", "belongs to a failure");
        if (v.is_string())
            m.error["message"] = v.get_string();
        else if (v.is_object())
            m.error = v.get_object();
        else
            add("/error", "must be a text, or an object of `message` and `code`");
    }

    void read_progress(const json::value& v, callback_message& m)
    {
        const json::object* o = v.if_object();
        if (!o)
            return read_fraction("/progress", v, m);
        refuse_unknown(*o, "/progress", progress_members);
        if (const json::value* fraction = o->if_contains("fraction"))
            read_fraction("/progress/fraction", *fraction, m);
        std::string counted;
        if (o->contains("n") || o->contains("of"))
            counted = read_count(*o, m);
        const json::value* message = o->if_contains("message");
        if (message && (!message->is_string() || message->get_string().size() > longest_message))
            return add("/progress/message", fmt::format("must be a text of at most {} bytes", longest_message));
        m.message = message ? std::string(message->get_string()) : std::string();
        if (!counted.empty())
            m.message = m.message.empty() ? counted : counted + ": " + m.message;
    }

    void read_fraction(std::string place, const json::value& v, callback_message& m)
    {
        boost::system::error_code ec;
        const double fraction = v.is_number() ? v.to_number<double>(ec) : -1;
        if (ec || !(fraction >= 0 && fraction <= 1))
            return add(std::move(place), "must be a number in 0…1");
        m.fraction = fraction;
    }

    std::string read_count(const json::object& progress, callback_message& m)
    {
        const auto count = [&](const char* name) -> std::optional<std::uint64_t> {
            boost::system::error_code ec;
            const json::value* v = progress.if_contains(name);
            const auto n = v && v->is_number() ? v->to_number<std::uint64_t>(ec) : 0;
            if (!v || !v->is_number() || ec) {
                add(fmt::format("/progress/{}", name), "must be a whole number: `n` things of `of` are done");
                return std::nullopt;
            }
            return n;
        };
        const auto n = count("n");
        const auto of = count("of");
        if (!n || !of)
            return {};
        if (!m.fraction && *of > 0)
            m.fraction = std::min(1.0, static_cast<double>(*n) / static_cast<double>(*of));
        return fmt::format("{} of {}", *n, *of);
    }

    const json::object& body_;
    std::vector<problem> problems_;
};

} // namespace

callback_message parse_callback_message(const json::value& body)
{
    const json::object* o = body.if_object();
    if (!o)
        throw task_refused(task_refused::kind::invalid,
                           R"(what is posted is an object such as {"state": "success", "output": …})");
    return message_reader(*o).read();
}

} // namespace potoo::server
