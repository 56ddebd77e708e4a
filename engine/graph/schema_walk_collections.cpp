#include "engine/graph/schema_walk.hpp"

#include "engine/graph/describe_value.hpp"
#include "engine/graph/embedded_expression.hpp"
#include "engine/graph/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace potoo::graph {

namespace {

constexpr synonym property_synonyms[] = {
    {"cmd", "command"},      {"script", "command"},
    {"run", "command"},      {"args", "command"},
    {"uri", "url"},          {"address", "url"},
    {"endpoint", "url"},     {"environment", "env"},
    {"env_vars", "env"},     {"verb", "method"},
    {"data", "body"},        {"payload", "body"},
    {"json", "body"},        {"dir", "cwd"},
    {"workdir", "cwd"},      {"working_directory", "cwd"},
    {"directory", "cwd"},    {"duration", "for"},
    {"seconds", "for"},      {"file", "path"},
    {"filename", "path"},    {"poll_interval", "interval"},
    {"image_name", "image"},
};

bool holds_expression(const json::value& v)
{
    if (const auto* s = v.if_string())
        return embedding_of(*s) != embedding::none;
    if (const auto* a = v.if_array())
        return std::any_of(a->begin(), a->end(), holds_expression);
    if (const auto* o = v.if_object())
        return std::any_of(o->begin(), o->end(), [](const auto& m) { return holds_expression(m.value()); });
    return false;
}

} // namespace

bool schema_walk::visit(const SingularItemsConstraint& c)
{
    if (const auto* elements = target_->if_array())
        for (std::size_t i = 0; i < elements->size() && !is_full(); ++i)
            settle(judge_element(*c.getItemsSubschema(), i, (*elements)[i]));
    return true;
}

bool schema_walk::visit(const LinearItemsConstraint& c)
{
    const auto* elements = target_->if_array();
    if (!elements)
        return true;
    std::size_t seen = 0;
    c.applyToItemSubschemas([&](unsigned i, const valijson::Subschema* s) {
        if (i >= elements->size())
            return false;
        settle(judge_element(*s, i, (*elements)[i]));
        seen = i + 1;
        return true;
    });
    const auto* further = c.getAdditionalItemsSubschema();
    if (!further && elements->size() > c.getItemSubschemaCount())
        check_count(elements->size(), false, "at most", c.getItemSubschemaCount(), "elements");
    for (; further && seen < elements->size(); ++seen)
        settle(judge_element(*further, seen, (*elements)[seen]));
    return true;
}

bool schema_walk::visit(const ContainsConstraint& c)
{
    const auto* elements = target_->if_array();
    if (!elements)
        return true;
    auto best = verdict::invalid;
    for (std::size_t i = 0; i < elements->size() && best != verdict::valid; ++i)
        best = std::min(best, judge_apart(*c.getSubschema(), (*elements)[i]).answer);
    if (best == verdict::invalid)
        report("has no element of the kind that is wanted");
    else
        settle(best);
    return true;
}

bool schema_walk::visit(const MaxItemsConstraint& c)
{
    if (const auto* a = target_->if_array())
        check_count(a->size(), a->size() <= c.getMaxItems(), "at most", c.getMaxItems(), "elements");
    return true;
}

bool schema_walk::visit(const MinItemsConstraint& c)
{
    const auto* a = target_->if_array();
    if (a && a->empty() && c.getMinItems() == 1)
        report("must not be empty");
    else if (a)
        check_count(a->size(), a->size() >= c.getMinItems(), "at least", c.getMinItems(), "elements");
    return true;
}

bool schema_walk::visit(const UniqueItemsConstraint&)
{
    const auto* elements = target_->if_array();
    if (!elements)
        return true;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < elements->size() && !is_full(); ++i) {
        const auto& element = (*elements)[i];
        if (mode_ == expressions::present && holds_expression(element)) {
            settle(verdict::unknown);
            continue;
        }
        if (seen.insert(json::serialize(element)).second)
            continue;
        path_.emplace_back(i);
        report("stands in the list twice");
        path_.pop_back();
    }
    return true;
}

bool schema_walk::check_unknown_member(const PropertiesConstraint& c, std::string_view name, const json::value& v)
{
    const auto* further = c.getAdditionalPropertiesSubschema();
    if (further && !further->getAlwaysInvalid()) {
        settle(judge_member(*further, name, v));
        return true;
    }
    std::vector<std::string_view> known;
    c.applyToProperties([&](const auto& property, const valijson::Subschema*) {
        known.emplace_back(property.data(), property.size());
        return true;
    });
    auto suggestion = nearest_spelling(name, known, property_synonyms);
    auto message = fmt::format("unknown key {}", quoted(name));
    if (suggestion.empty() && !known.empty() && known.size() <= 16)
        message += fmt::format("; known here: {}", fmt::join(known, ", "));
    report_key(name, std::move(message), std::move(suggestion));
    return false;
}

bool schema_walk::visit(const PropertiesConstraint& c)
{
    const auto* members = target_->if_object();
    if (!members)
        return true;
    std::vector<bool> known(members->size(), false);
    c.applyToProperties([&](const auto& name, const valijson::Subschema* s) {
        const std::string_view key(name.data(), name.size());
        const auto found = members->find(key);
        if (found == members->end())
            return true;
        known[static_cast<std::size_t>(found - members->begin())] = true;
        if (!is_late(key))
            settle(judge_member(*s, key, found->value()));
        return true;
    });
    c.applyToPatternProperties([&](const auto& pattern, const valijson::Subschema* s) {
        const auto compiled = facts_.patterns.find(std::string_view(pattern.data(), pattern.size()));
        std::size_t i = 0;
        for (const auto& member : *members) {
            if (compiled != facts_.patterns.end() && matches_pattern(member.key(), compiled->second).value_or(false)) {
                known[i] = true;
                settle(judge_member(*s, member.key(), member.value()));
            }
            ++i;
        }
        return true;
    });
    std::size_t i = 0;
    for (const auto& member : *members)
        if (!known[i++] && !is_full())
            check_unknown_member(c, member.key(), member.value());
    return true;
}

bool schema_walk::visit(const PropertyNamesConstraint& c)
{
    const auto* members = target_->if_object();
    if (!members)
        return true;
    for (const auto& member : *members) {
        const auto name = judge_apart(*c.getSubschema(), json::value(member.key()));
        if (name.answer != verdict::invalid)
            continue;
        const auto why = name.findings.empty() ? "is not allowed" : name.findings[0].shown.message;
        report_key(member.key(), fmt::format("the key {} {}", quoted(member.key()), why));
    }
    return true;
}

bool schema_walk::visit(const RequiredConstraint& c)
{
    const auto* members = target_->if_object();
    if (!members)
        return true;
    c.applyToRequiredProperties([&](const auto& name) {
        const std::string_view key(name.data(), name.size());
        if (!members->contains(key) && !is_late(key))
            report_missing(key);
        return true;
    });
    return true;
}

bool schema_walk::visit(const MaxPropertiesConstraint& c)
{
    if (const auto* o = target_->if_object())
        check_count(o->size(), o->size() <= c.getMaxProperties(), "at most", c.getMaxProperties(), "keys");
    return true;
}

bool schema_walk::visit(const MinPropertiesConstraint& c)
{
    if (const auto* o = target_->if_object())
        check_count(o->size(), o->size() >= c.getMinProperties(), "at least", c.getMinProperties(), "keys");
    return true;
}

} // namespace potoo::graph
