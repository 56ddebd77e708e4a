#pragma once
/// @file
/// How an operator is declared, described and registered.
///
/// @code
/// potoo::task<potoo::json::value> greet(potoo::context& ctx)
/// {
///     co_return potoo::json::value("hello " + std::string(ctx.input().at("name").as_string()));
/// }
///
/// POTOO_OPERATOR("greet", greet, {
///     .summary = "Says hello.",
///     .schema = R"({"type": "object", "required": ["name"], "additionalProperties": false,
///                   "properties": {"name": {"type": "string", "description": "Whom to greet"}}})",
///     .example = "greeting:\n  operator: greet\n  with: {name: world}\n"})
/// @endcode

#include <potoo/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace potoo {

template <class T>
class task;
class context;

/// The coroutine of an operator. What it returns is the task's output; what it throws is its failure (error.hpp).
/// The context outlives the coroutine.
using operator_function = task<json::value> (*)(context&);

/// What an operator says about itself. All text is static.
struct operator_details
{
    const char* summary = "";  ///< one sentence
    const char* schema = "{}"; ///< JSON Schema (draft 7) of the task's `with`, with a `description` for every property
    const char* example = "";  ///< one task in YAML, as it stands under `tasks:`
    bool sensor = false;       ///< only waits for something to become true
    /// Properties of `with` that reach the operator unrendered, because they speak of what is not known before it runs
    /// (`${{ response }}`, `${{ id }}`): see `context::late`. Separated by spaces.
    const char* late = "";
    /// Names that expressions in the late properties may use besides the usual ones. Separated by spaces.
    const char* late_names = "";
};

/// An operator that the engine knows.
struct operator_entry
{
    std::string name;
    operator_function run = nullptr;
    std::string summary;
    json::value schema;
    std::string example;
    bool sensor = false;
    std::vector<std::string> late;
    std::vector<std::string> late_names;
};

/// The operators of this process, in order of name: those linked in, and those of plugins as they are loaded.
class operator_registry
{
  public:
    operator_registry() = default;
    operator_registry(const operator_registry&) = delete;
    operator_registry& operator=(const operator_registry&) = delete;
    ~operator_registry();

    /// @return null when there is none of that name. The entry lives as long as the registry.
    [[nodiscard]] const operator_entry* find(std::string_view name) const;

    /// Sorted by name.
    [[nodiscard]] const std::vector<const operator_entry*>& all() const noexcept { return entries_; }

    /// @throws std::invalid_argument when the name is taken or the schema is not a JSON object.
    void add(std::string_view name, operator_function run, const operator_details& details);

    /// What went wrong with operators that registered themselves with `POTOO_OPERATOR`: such an operator is not there.
    /// To be looked at before the registry is used.
    [[nodiscard]] std::vector<std::string> problems() const;

    /// Remembers what `problems` returns.
    void note_problem(std::string message) noexcept;

  private:
    std::vector<const operator_entry*> entries_; ///< owned
    std::vector<std::string> problems_;
    bool problem_lost_ = false; ///< there was no memory to note one
};

/// The registry that `POTOO_OPERATOR` adds to.
[[nodiscard]] operator_registry& operators();

namespace detail {

struct operator_registration
{
    operator_registration(const char* name, operator_function run, const operator_details& details) noexcept;
};

} // namespace detail

} // namespace potoo

#define POTOO_CONCAT_(a, b) a##b
#define POTOO_CONCAT(a, b) POTOO_CONCAT_(a, b)

/// Registers an operator when the program starts or the plugin is loaded. The third argument is an `operator_details`
/// initialiser. A name that is taken, or a schema that does not parse, is reported when the registry is first used.
#define POTOO_OPERATOR(name, function, ...)                                                                            \
    namespace {                                                                                                        \
    const ::potoo::detail::operator_registration POTOO_CONCAT(potoo_operator_, __LINE__){                              \
        name, function, ::potoo::operator_details __VA_ARGS__};                                                        \
    }
