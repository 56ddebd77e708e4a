#include "engine/graph/schema_walk.hpp"

#include "engine/graph/describe_value.hpp"
#include "engine/graph/embedded_expression.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::graph {

std::string join_choices(const std::vector<std::string>& words)
{
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i)
        out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
    return out;
}

std::optional<bool> matches_pattern(std::string_view text, const boost::regex& pattern)
{
    try {
        return boost::regex_search(text.begin(), text.end(), pattern);
    } catch (const std::runtime_error&) {
        return std::nullopt;
    }
}

schema_walk::schema_walk(const schema_facts& facts, expressions e, std::span<const std::string> late, std::size_t most)
    : facts_(facts), mode_(e), late_(late), most_(most),
      apply_([this](const valijson::constraints::Constraint& c) { return c.accept(*this); })
{}

std::vector<schema_problem> schema_walk::run(const valijson::Subschema& schema, const json::value& v)
{
    judge(schema, v);
    std::vector<schema_problem> problems;
    problems.reserve(findings_.size());
    for (auto& f : findings_)
        problems.push_back(std::move(f.shown));
    return problems;
}

schema_walk::verdict schema_walk::judge(const valijson::Subschema& schema, const json::value& v)
{
    if (is_full())
        return verdict::invalid;
    auto kind = embedding::none;
    if (mode_ == expressions::present && v.is_string())
        kind = embedding_of(v.get_string());
    if (kind == embedding::whole)
        return verdict::unknown;

    const auto* outer_target = std::exchange(target_, &v);
    const auto outer_partial = std::exchange(partial_, kind == embedding::part);
    const auto outer_verdict = std::exchange(verdict_, verdict::valid);
    if (schema.getAlwaysInvalid())
        report("is not allowed here");
    else
        schema.apply(apply_);
    target_ = outer_target;
    partial_ = outer_partial;
    return std::exchange(verdict_, outer_verdict);
}

schema_walk::branch schema_walk::judge_apart(const valijson::Subschema& schema, const json::value& v)
{
    auto outer = std::exchange(findings_, {});
    const auto answer = judge(schema, v);
    return {answer, std::exchange(findings_, std::move(outer))};
}

schema_walk::verdict schema_walk::judge_member(const valijson::Subschema& schema, std::string_view name,
                                               const json::value& v)
{
    path_.emplace_back(std::string(name));
    const auto answer = judge(schema, v);
    path_.pop_back();
    return answer;
}

schema_walk::verdict schema_walk::judge_element(const valijson::Subschema& schema, std::size_t index,
                                                const json::value& v)
{
    path_.emplace_back(index);
    const auto answer = judge(schema, v);
    path_.pop_back();
    return answer;
}

bool schema_walk::is_late(std::string_view name) const
{
    return path_.empty() && std::find(late_.begin(), late_.end(), name) != late_.end();
}

void schema_walk::settle(verdict v)
{
    verdict_ = std::max(verdict_, v);
}

void schema_walk::report(std::string message, std::string suggestion)
{
    settle(verdict::invalid);
    findings_.push_back({{path_, false, std::move(message), std::move(suggestion)}, {}, {}});
}

void schema_walk::report_key(std::string_view name, std::string message, std::string suggestion)
{
    report(std::move(message), std::move(suggestion));
    findings_.back().shown.path.emplace_back(std::string(name));
    findings_.back().shown.at_key = true;
}

void schema_walk::report_type(std::vector<std::string> types)
{
    auto message = fmt::format("must be {}, not {}", join_choices(types), describe(*target_));
    const bool wants_text = std::find(types.begin(), types.end(), "a string") != types.end();
    if (wants_text && (target_->is_number() || target_->is_bool()))
        message += ": put it in quotes";
    report(std::move(message));
    findings_.back().types = std::move(types);
}

void schema_walk::report_missing(std::string_view name)
{
    report(quoted(name) + " is missing");
    findings_.back().missing = name;
}

const json::string* schema_walk::text()
{
    const auto* s = target_->if_string();
    if (s && partial_) {
        settle(verdict::unknown);
        return nullptr;
    }
    return s;
}

void schema_walk::check_count(std::size_t n, bool good, std::string_view want, std::uint64_t limit,
                              std::string_view what)
{
    if (!good)
        report(fmt::format("must have {} {} {}, not {}", want, limit, what, n));
}

bool schema_walk::visit(const PolyConstraint&)
{
    return true; // only made by programs that add constraints of their own
}

} // namespace potoo::graph
