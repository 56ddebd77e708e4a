#pragma once
/// @file
/// The walk over a compiled schema and a value side by side. Internal to schema_check.

#include "engine/graph/schema_check.hpp"

#include <boost/regex.hpp>

#include <functional>
#include <map>
#include <optional>

#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/constraints/constraint_visitor.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>

namespace potoo::graph {

/// What the walk needs and valijson's constraints do not show of themselves.
struct schema_facts
{
    std::map<std::string, boost::regex, std::less<>> patterns;
    std::vector<json::array> enumerations; ///< of every `enum` and `const`, to name the values in messages
};

struct compiled_schema::state
{
    schema_facts facts;
    valijson::Schema schema;
};

/// `a`, `a or b`, `a, b or c`.
[[nodiscard]] std::string join_choices(const std::vector<std::string>& words);

/// @return nothing when the library gives up on so complex a match
[[nodiscard]] std::optional<bool> matches_pattern(std::string_view text, const boost::regex& pattern);

/// Judges a value by the constraints of a schema. Each `visit` looks at `target_`, settles the verdict about it and
/// reports what is wrong; all return true, because all problems are wanted.
class schema_walk final : public valijson::constraints::ConstraintVisitor
{
  public:
    /// @param most findings after which the walk ends
    schema_walk(const schema_facts& facts, expressions e, std::span<const std::string> late, std::size_t most);

    std::vector<schema_problem> run(const valijson::Subschema& schema, const json::value& v);

    bool visit(const AllOfConstraint& c) override;
    bool visit(const AnyOfConstraint& c) override;
    bool visit(const ConditionalConstraint& c) override;
    bool visit(const ConstConstraint& c) override;
    bool visit(const ContainsConstraint& c) override;
    bool visit(const DependenciesConstraint& c) override;
    bool visit(const EnumConstraint& c) override;
    bool visit(const FormatConstraint& c) override;
    bool visit(const LinearItemsConstraint& c) override;
    bool visit(const MaximumConstraint& c) override;
    bool visit(const MaxItemsConstraint& c) override;
    bool visit(const MaxLengthConstraint& c) override;
    bool visit(const MaxPropertiesConstraint& c) override;
    bool visit(const MinimumConstraint& c) override;
    bool visit(const MinItemsConstraint& c) override;
    bool visit(const MinLengthConstraint& c) override;
    bool visit(const MinPropertiesConstraint& c) override;
    bool visit(const MultipleOfDoubleConstraint& c) override;
    bool visit(const MultipleOfIntConstraint& c) override;
    bool visit(const NotConstraint& c) override;
    bool visit(const OneOfConstraint& c) override;
    bool visit(const PatternConstraint& c) override;
    bool visit(const PolyConstraint& c) override;
    bool visit(const PropertiesConstraint& c) override;
    bool visit(const PropertyNamesConstraint& c) override;
    bool visit(const RequiredConstraint& c) override;
    bool visit(const SingularItemsConstraint& c) override;
    bool visit(const TypeConstraint& c) override;
    bool visit(const UniqueItemsConstraint& c) override;

  private:
    enum class verdict : std::uint8_t
    {
        valid,
        unknown, ///< depends on expressions
        invalid,
    };

    /// A problem with what is needed to join the problems of several branches into one.
    struct finding
    {
        schema_problem shown;
        std::vector<std::string> types; ///< a wrong type: the right ones
        std::string missing;            ///< a missing member: its name
    };

    struct branch
    {
        verdict answer;
        std::vector<finding> findings;
    };

    verdict judge(const valijson::Subschema& schema, const json::value& v);
    branch judge_apart(const valijson::Subschema& schema, const json::value& v);
    verdict judge_member(const valijson::Subschema& schema, std::string_view name, const json::value& v);
    verdict judge_element(const valijson::Subschema& schema, std::size_t index, const json::value& v);

    bool is_late(std::string_view name) const;

    bool is_full() const noexcept { return findings_.size() >= most_; }

    void settle(verdict v);
    void report(std::string message, std::string suggestion = {});
    void report_key(std::string_view name, std::string message, std::string suggestion = {});
    void report_type(std::vector<std::string> types);
    void report_missing(std::string_view name);
    void report_enumeration(const std::function<bool(const json::array&)>& is_it);
    void report_branches(std::vector<branch> branches);
    void check_count(std::size_t n, bool good, std::string_view want, std::uint64_t limit, std::string_view what);
    bool check_unknown_member(const PropertiesConstraint& c, std::string_view name, const json::value& v);

    /// The target as a string that may be looked into; null, with the verdict settled, when it is not known yet.
    const json::string* text();

    const schema_facts& facts_;
    expressions mode_;
    std::span<const std::string> late_;
    std::size_t most_;
    valijson::Subschema::ApplyFunction apply_;

    const json::value* target_ = nullptr;
    bool partial_ = false; ///< the target is a string with expressions in it
    verdict verdict_ = verdict::valid;
    std::vector<path_step> path_;
    std::vector<finding> findings_;
};

} // namespace potoo::graph
