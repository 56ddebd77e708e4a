#include "engine/graph/schema_walk.hpp"
#include "engine/text/characters.hpp"

#include "engine/graph/describe_value.hpp"
#include "engine/graph/spelling.hpp"

#include <potoo/time.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace potoo::graph {

namespace {

using valijson::adapters::BoostJsonAdapter;
using valijson::constraints::TypeConstraint;

std::string_view type_name(TypeConstraint::JsonType type)
{
    switch (type) {
    case TypeConstraint::kAny:
        return "anything";
    case TypeConstraint::kArray:
        return "a list";
    case TypeConstraint::kBoolean:
        return "true or false";
    case TypeConstraint::kInteger:
        return "a whole number";
    case TypeConstraint::kNull:
        return "null";
    case TypeConstraint::kNumber:
        return "a number";
    case TypeConstraint::kObject:
        return "a map";
    case TypeConstraint::kString:
        return "a string";
    }
    return "?";
}

bool has_type(const json::value& v, TypeConstraint::JsonType type)
{
    switch (type) {
    case TypeConstraint::kAny:
        return true;
    case TypeConstraint::kArray:
        return v.is_array();
    case TypeConstraint::kBoolean:
        return v.is_bool();
    case TypeConstraint::kInteger:
        return v.is_int64() || v.is_uint64();
    case TypeConstraint::kNull:
        return v.is_null();
    case TypeConstraint::kNumber:
        return v.is_number();
    case TypeConstraint::kObject:
        return v.is_object();
    case TypeConstraint::kString:
        return v.is_string();
    }
    return false;
}

} // namespace

bool schema_walk::visit(const TypeConstraint& c)
{
    std::vector<std::string> wanted;
    bool good = false;
    c.applyToNamedTypes([&](TypeConstraint::JsonType type) {
        good = has_type(*target_, type);
        return !good;
    });
    if (good)
        return true;
    c.applyToNamedTypes([&](TypeConstraint::JsonType type) {
        wanted.emplace_back(type_name(type));
        return true;
    });
    if (!wanted.empty())
        report_type(std::move(wanted));
    return true;
}

void schema_walk::report_enumeration(const std::function<bool(const json::array&)>& is_it)
{
    const auto found = std::find_if(facts_.enumerations.begin(), facts_.enumerations.end(), is_it);
    if (found == facts_.enumerations.end()) {
        report("is none of the values that are allowed here");
        return;
    }
    std::vector<std::string> shown;
    std::vector<std::string_view> words;
    for (const auto& v : *found) {
        shown.push_back(quoted_value(v));
        if (const auto* s = v.if_string())
            words.emplace_back(*s);
    }
    std::string suggestion;
    if (const auto* s = target_->if_string())
        suggestion = nearest_spelling(*s, words);
    report(fmt::format("must be {}{}, not {}", shown.size() > 1 ? "one of " : "", fmt::join(shown, ", "),
                       quoted_value(*target_)),
           suggestion);
}

bool schema_walk::visit(const ConstConstraint& c)
{
    if (partial_) {
        settle(verdict::unknown);
        return true;
    }
    const auto* wanted = c.getValue();
    if (!wanted->equalTo(BoostJsonAdapter(*target_), true))
        report_enumeration(
            [&](const json::array& a) { return a.size() == 1 && wanted->equalTo(BoostJsonAdapter(a[0]), true); });
    return true;
}

bool schema_walk::visit(const EnumConstraint& c)
{
    if (partial_) {
        settle(verdict::unknown);
        return true;
    }
    bool good = false;
    c.applyToValues([&](const valijson::adapters::FrozenValue& v) {
        good = v.equalTo(BoostJsonAdapter(*target_), true);
        return !good;
    });
    if (good)
        return true;
    report_enumeration([&](const json::array& a) {
        std::size_t i = 0;
        bool same = true;
        c.applyToValues([&](const valijson::adapters::FrozenValue& v) {
            same = i < a.size() && v.equalTo(BoostJsonAdapter(a[i]), true);
            ++i;
            return same;
        });
        return same && i == a.size();
    });
    return true;
}

bool schema_walk::visit(const FormatConstraint& c)
{
    const auto* s = text();
    if (!s)
        return true;
    const std::string_view content(*s);
    if (c.getFormat() == "duration" && !parse_duration(content))
        report(fmt::format("must be a duration such as 30s, 1h30m or 2d, not {}", quoted(content)));
    if (c.getFormat() == "date-time" && !parse_time(content))
        report(fmt::format("must be a time such as 2026-11-21T08:00:00Z, not {}", quoted(content)));
    return true;
}

bool schema_walk::visit(const PatternConstraint& c)
{
    const auto* s = text();
    if (!s)
        return true;
    std::string pattern;
    c.getPattern(pattern);
    const auto found = facts_.patterns.find(pattern);
    if (found == facts_.patterns.end())
        return true;
    const auto good = matches_pattern(*s, found->second);
    if (!good)
        report(fmt::format("is too complex to be matched against the pattern `{}`", pattern));
    else if (!*good)
        report(fmt::format("must match the pattern `{}`, and {} does not", pattern, quoted(*s)));
    return true;
}

bool schema_walk::visit(const MaxLengthConstraint& c)
{
    if (const auto* s = text()) {
        const auto n = text::count_characters(*s);
        check_count(n, n <= c.getMaxLength(), "at most", c.getMaxLength(), "characters");
    }
    return true;
}

bool schema_walk::visit(const MinLengthConstraint& c)
{
    const auto* s = text();
    if (!s)
        return true;
    const auto n = text::count_characters(*s);
    if (n == 0 && c.getMinLength() == 1)
        report("must not be empty");
    else
        check_count(n, n >= c.getMinLength(), "at least", c.getMinLength(), "characters");
    return true;
}

bool schema_walk::visit(const MaximumConstraint& c)
{
    if (!target_->is_number())
        return true;
    const auto v = target_->to_number<double>();
    if (c.getExclusiveMaximum() ? v >= c.getMaximum() : v > c.getMaximum())
        report(fmt::format("must be {} {}, not {}", c.getExclusiveMaximum() ? "less than" : "at most", c.getMaximum(),
                           written(*target_)));
    return true;
}

bool schema_walk::visit(const MinimumConstraint& c)
{
    if (!target_->is_number())
        return true;
    const auto v = target_->to_number<double>();
    if (c.getExclusiveMinimum() ? v <= c.getMinimum() : v < c.getMinimum())
        report(fmt::format("must be {} {}, not {}", c.getExclusiveMinimum() ? "more than" : "at least", c.getMinimum(),
                           written(*target_)));
    return true;
}

bool schema_walk::visit(const MultipleOfDoubleConstraint& c)
{
    if (!target_->is_number())
        return true;
    const auto quotient = target_->to_number<double>() / c.getDivisor();
    if (std::abs(quotient - std::round(quotient)) > 1e-9 * std::max(1.0, std::abs(quotient)))
        report(fmt::format("must be a multiple of {}, not {}", c.getDivisor(), written(*target_)));
    return true;
}

bool schema_walk::visit(const MultipleOfIntConstraint& c)
{
    if (!target_->is_number() || c.getDivisor() == 0)
        return true;
    if (std::fmod(target_->to_number<double>(), static_cast<double>(c.getDivisor())) != 0)
        report(fmt::format("must be a multiple of {}, not {}", c.getDivisor(), written(*target_)));
    return true;
}

} // namespace potoo::graph
