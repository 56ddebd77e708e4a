#include <potoo/context.hpp>
#include <potoo/json_members.hpp>
#include <potoo/operator.hpp>
#include <potoo/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace {

using namespace potoo;

struct decision
{
    bool approved = false;
    std::string by;
    std::string comment;
};

decision read_decision(const json::value& answer)
{
    const json::object* o = answer.if_object();
    const json::value* approved = o ? o->if_contains("approved") : nullptr;
    if (answer.is_bool())
        return {answer.get_bool(), {}, {}};
    if (!approved || !approved->is_bool())
        throw fatal(fmt::format("the answer must be true, false, or an object whose `approved` is one of these, not {}",
                                json::serialize(answer).substr(0, 200)),
                    "invalid_answer");
    return {approved->get_bool(), text_in(*o, "by"), text_in(*o, "comment")};
}

/// Whoever asks before it is delivered is told earlier; this is for what comes by other ways.
void check_approver(const json::object& with, const decision& d)
{
    const json::value* approvers = with.if_contains("approvers");
    if (!approvers)
        return;
    const json::array& names = approvers->as_array();
    if (std::find(names.begin(), names.end(), json::value(json::string(d.by))) == names.end())
        throw fatal(d.by.empty() ? std::string("the answer does not say who gave it, and not everybody may")
                                 : fmt::format("{} gave the answer, and is none of `approvers`", d.by),
                    "not_an_approver");
}

json::value output_of(const decision& d, bool may_reject)
{
    if (!d.approved && !may_reject) {
        std::string text = d.by.empty() ? "it was rejected" : "it was rejected by " + d.by;
        if (!d.comment.empty())
            text += ": " + d.comment;
        throw fatal(text, "rejected");
    }
    return json::object{{"approved", d.approved}, {"by", d.by}, {"comment", d.comment}};
}

task<json::value> answer_in_time(context& ctx, open_callback asked, duration patience)
{
    auto began = co_await ctx.now();
    auto answer = co_await any(ctx.completion(asked), ctx.sleep_until("timeout", began + patience));
    if (answer.index() == 1)
        throw fatal(fmt::format("nobody answered within {}", format_duration(patience)), "no_answer");
    co_return std::get<0>(std::move(answer));
}

task<json::value> run_approval(context& ctx)
{
    const json::object& with = ctx.input();
    const auto patience = duration_option(with, "timeout");
    json::object about{{"message", with.at("message")}};
    if (const json::value* approvers = with.if_contains("approvers"))
        about["approvers"] = *approvers;
    json::value shown = std::move(about);
    const open_callback asked = co_await ctx.callback("approval", std::move(shown));
    ctx.log(fmt::format("waits for: potoo approve {}", asked.token().substr(0, asked.token().find('.'))));
    ctx.release_slot();
    json::value answer;
    if (patience)
        answer = co_await answer_in_time(ctx, asked, *patience);
    else
        answer = co_await ctx.completion(asked);
    const decision d = read_decision(answer);
    check_approver(with, d);
    co_return output_of(d, text_in(with, "on_reject") == "output");
}

} // namespace

POTOO_OPERATOR("approval", run_approval,
               {.summary = "Waits until a person approves, with `potoo approve` or through the API.",
                .schema = R"({
      "type": "object", "required": ["message"], "additionalProperties": false,
      "properties": {
        "message": {"type": "string", "minLength": 1, "description": "What is to be approved: shown to whoever is asked"},
        "approvers": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1},
          "description": "Names of those who may answer; without it everybody who may change the run"},
        "timeout": {"type": "string", "description": "With no answer after so long the task fails with the code `no_answer`. Restarts of the engine do not extend it. Default: it waits."},
        "on_reject": {"type": "string", "enum": ["fail", "output"],
          "description": "What a rejection is: a failure with the code `rejected`, which is not retried, or a success whose output says `approved: false`. Default fail."}
      }})",
                .example = R"(release:
  operator: approval
  with:
    message: "Release what run ${{ run.id }} has built?"
    approvers: [ann, bob]
    timeout: 2d
)"})
