#include "engine/graph/schema_walk.hpp"

#include "engine/graph/describe_value.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::graph {

bool schema_walk::visit(const AllOfConstraint& c)
{
    c.applyToSubschemas([this](unsigned, const valijson::Subschema* s) {
        settle(judge(*s, *target_));
        return true;
    });
    return true;
}

bool schema_walk::visit(const AnyOfConstraint& c)
{
    std::vector<branch> branches;
    c.applyToSubschemas([&](unsigned, const valijson::Subschema* s) {
        branches.push_back(judge_apart(*s, *target_));
        return branches.back().answer != verdict::valid;
    });
    const auto best = std::min_element(branches.begin(), branches.end(),
                                       [](const branch& a, const branch& b) { return a.answer < b.answer; });
    if (best == branches.end())
        return true;
    if (best->answer == verdict::invalid)
        report_branches(std::move(branches));
    else
        settle(best->answer);
    return true;
}

bool schema_walk::visit(const OneOfConstraint& c)
{
    std::vector<branch> branches;
    c.applyToSubschemas([&](unsigned, const valijson::Subschema* s) {
        branches.push_back(judge_apart(*s, *target_));
        return true;
    });
    const auto count = [&](verdict v) {
        return std::count_if(branches.begin(), branches.end(), [v](const branch& b) { return b.answer == v; });
    };
    if (count(verdict::valid) > 1)
        report("fits more than one of the forms that it may take; exactly one is allowed");
    else if (count(verdict::unknown) > 0)
        settle(verdict::unknown);
    else if (count(verdict::valid) == 0 && !branches.empty())
        report_branches(std::move(branches));
    return true;
}

void schema_walk::report_branches(std::vector<branch> branches)
{
    const auto is_wrong_type = [this](const branch& b) {
        return std::any_of(b.findings.begin(), b.findings.end(),
                           [this](const finding& f) { return !f.types.empty() && f.shown.path == path_; });
    };
    const auto is_missing_member = [this](const branch& b) {
        return b.findings.size() == 1 && !b.findings[0].missing.empty() && b.findings[0].shown.path == path_;
    };
    if (std::all_of(branches.begin(), branches.end(), is_wrong_type)) {
        std::vector<std::string> types;
        for (const auto& b : branches)
            for (const auto& f : b.findings)
                if (f.shown.path == path_)
                    for (const auto& t : f.types)
                        if (std::find(types.begin(), types.end(), t) == types.end())
                            types.push_back(t);
        report_type(std::move(types));
        return;
    }
    if (std::all_of(branches.begin(), branches.end(), is_missing_member)) {
        std::vector<std::string> names;
        for (const auto& b : branches)
            names.push_back(quoted(b.findings[0].missing));
        report(join_choices(names) + " is missing");
        return;
    }
    // The branches of the right type are what was meant.
    std::erase_if(branches, is_wrong_type);
    settle(verdict::invalid);
    if (branches.size() == 1) {
        for (auto& f : branches[0].findings)
            findings_.push_back(std::move(f));
        return;
    }
    std::vector<std::string> forms;
    for (const auto& b : branches) {
        if (b.findings.empty())
            continue;
        auto form = b.findings[0].shown.message;
        if (b.findings[0].shown.path.size() > path_.size())
            form = format_path("", {b.findings[0].shown.path.begin() + static_cast<std::ptrdiff_t>(path_.size()),
                                    b.findings[0].shown.path.end()}) +
                   " " + form;
        if (std::find(forms.begin(), forms.end(), form) == forms.end())
            forms.push_back(std::move(form));
    }
    report(fmt::format("fits none of the forms that it may take ({})", fmt::join(forms, "; ")));
}

bool schema_walk::visit(const NotConstraint& c)
{
    const auto inner = judge_apart(*c.getSubschema(), *target_).answer;
    if (inner == verdict::unknown)
        settle(verdict::unknown);
    if (inner == verdict::valid)
        report("has a form that is not allowed here");
    return true;
}

bool schema_walk::visit(const ConditionalConstraint& c)
{
    const auto condition = judge_apart(*c.getIfSubschema(), *target_).answer;
    if (condition == verdict::unknown) {
        settle(verdict::unknown);
        return true;
    }
    const auto* chosen = condition == verdict::valid ? c.getThenSubschema() : c.getElseSubschema();
    if (chosen)
        settle(judge(*chosen, *target_));
    return true;
}

bool schema_walk::visit(const DependenciesConstraint& c)
{
    const auto* members = target_->if_object();
    if (!members)
        return true;
    c.applyToPropertyDependencies([&](const auto& name, const auto& needed) {
        if (!members->contains(name.c_str()))
            return true;
        for (const auto& other : needed)
            if (!members->contains(other.c_str()) && !is_late(other.c_str()))
                report_key(name.c_str(), fmt::format("needs {} beside it", quoted(other.c_str())));
        return true;
    });
    c.applyToSchemaDependencies([&](const auto& name, const valijson::Subschema* s) {
        if (members->contains(name.c_str()))
            settle(judge(*s, *target_));
        return true;
    });
    return true;
}

} // namespace potoo::graph
