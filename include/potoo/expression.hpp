#pragma once
/// @file
/// `${{ … }}`: expressions that are compiled once and evaluated many times, and JSON values that hold them.
///
/// The language, loosest binding first:
/// - `a || b`, then `a && b`: take and give booleans; the right side is evaluated only when it matters
/// - `a == b`, `a != b`: values of different kinds are not equal, except that comparing two that can never be equal is
///   an error when it is compiled; numbers are equal when their values are (`1 == 1.0`), arrays and objects by content
/// - `a < b`, `<=`, `>`, `>=`: two numbers, or two strings (by code point)
/// - `!a`
/// - paths: `params.cohort`, `tasks.list.output[0].id`, `item['a key']`, `item[params.field]`, `from_json(text).id`. A
///   name is letters, digits, `_` and `-`; one that starts with a digit or is a keyword may follow a dot only.
/// - literals: `null true false 12 -1.5e3 'text'` (a quote in text is doubled), and parentheses
/// - functions: `length(string|array|object)` (of a string: code points); `contains(array, element)`, `contains(string,
///   part)`, `contains(object, name)`; `join(array, separator)`; `range(end)`, `range(start, end)`, `range(start, end,
///   step)` (at most 10,000,000 elements); `from_json(string)`; `to_json(value)`; `default(value, fallback)`, the
///   fallback when the value is null
///
/// A missing member or index is `null`; a member of `null` is `null`; any other misuse of a type is an error.
/// Evaluation has no side effects. An expression is at most 64 KiB long and nested at most 100 deep.

#include <potoo/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace potoo {

/// What an expression yields, as far as it is known before it is evaluated.
enum class value_type : std::uint8_t
{
    any,
    null,
    boolean,
    number,
    string,
    array,
    object,
};

/// An expression does not compile, or cannot be evaluated.
class expression_error : public std::runtime_error
{
  public:
    /// @param offset of the offending text within the source given to `compile`, in bytes from 0
    /// @param suggestion the nearest right spelling, or empty
    expression_error(const std::string& message, std::size_t offset, std::string suggestion = {})
        : std::runtime_error(message), offset_(offset), suggestion_(std::move(suggestion))
    {}

    [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

    [[nodiscard]] const std::string& suggestion() const noexcept { return suggestion_; }

  private:
    std::size_t offset_;
    std::string suggestion_;
};

/// The names that an expression may use, checked when it is compiled.
class expression_names
{
  public:
    /// `root` may be used, alone or with any member.
    expression_names& allow(std::string root, value_type type = value_type::any);

    /// `root` may be used with the members added by `allow_member`, and with no others.
    expression_names& allow_closed(std::string root, std::string hint_when_missing = {});

    /// Adds a member to a root that is closed. @throws std::logic_error when there is no such root
    expression_names& allow_member(std::string_view root, std::string member, value_type type = value_type::any);

    /// What is known of one member of a root.
    struct member_answer
    {
        bool exists = false;
        value_type type = value_type::any;
        std::string hint;       ///< when it does not exist: added to the message
        std::string suggestion; ///< when it does not exist: the nearest that does
        /// When not empty: the only members that the member itself has. Must outlive the names.
        std::span<const std::string_view> members;
    };

    using member_check = std::function<member_answer(std::string_view member)>;

    /// `root` may be used with the members that `check` says exist. For roots too large to be listed for every
    /// expression (`tasks`).
    expression_names& allow_checked(std::string root, member_check check);

    struct member_entry
    {
        std::string name;
        value_type type;
    };

    struct root_entry
    {
        std::string name;
        value_type type = value_type::any;
        bool closed = false;
        std::string hint;                  ///< added to the message about a member that is not there
        std::vector<member_entry> members; ///< sorted by name
        member_check check;                ///< asked instead of `members`, if there is one
    };

    /// @return null when the name is not allowed
    [[nodiscard]] const root_entry* find(std::string_view root) const;

    /// Sorted by name.
    [[nodiscard]] const std::vector<root_entry>& roots() const noexcept { return roots_; }

  private:
    root_entry& entry_for(std::string root);

    std::vector<root_entry> roots_; ///< sorted by name
};

namespace detail {

/// A few values in place, and more of them elsewhere. They stay where they are only until one is added.
template <class T, std::size_t N>
class few
{
  public:
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

    [[nodiscard]] T& operator[](std::size_t i) noexcept { return i < N ? first_[i] : more_[i - N]; }

    [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return i < N ? first_[i] : more_[i - N]; }

    T& push_back(T value)
    {
        if (count_ >= N)
            more_.emplace_back();
        T& place = (*this)[count_++];
        place = std::move(value);
        return place;
    }

  private:
    std::array<T, N> first_{};
    std::vector<T> more_;
    std::size_t count_ = 0;
};

} // namespace detail

/// The values behind the names, for one evaluation. Layers: what is not found here is looked for in the parent. Holds
/// pointers only; everything must outlive it. Cheap to make: one per attempt, or one per poll. A name that an
/// expression uses and nobody bound is an error, not `null`.
class bindings
{
  public:
    /// Looks up one member of a root, for roots too large to be built whole (`tasks`). Null = there is none.
    using member_lookup = std::function<const json::value*(std::string_view member)>;

    explicit bindings(const bindings* parent = nullptr) : parent_(parent) {}

    /// Binds the name, or binds it anew.
    /// @param name must be static or outlive the bindings
    bindings& set(std::string_view name, const json::value& value);
    bindings& set(std::string_view, json::value&&) = delete;

    /// A root of which only members are asked for.
    bindings& set_members(std::string_view name, member_lookup lookup);

    /// A value that is worked out when it is first asked for: `work_out` is called each time, and yields what outlives
    /// the bindings.
    using value_source = std::function<const json::value&()>;
    bindings& set_computed(std::string_view name, value_source work_out);

    /// @return null when the name is not bound, or bound by members only
    [[nodiscard]] const json::value* find(std::string_view name) const;

    /// @return null when the root, or its member, is not there
    [[nodiscard]] const json::value* find_member(std::string_view name, std::string_view member) const;

    /// Somehow: by value or by members.
    [[nodiscard]] bool is_bound(std::string_view name) const noexcept { return find_entry(name).what != nullptr; }

  private:
    struct entry
    {
        std::string_view name;
        const json::value* value = nullptr; ///< null when it is bound in another way
        std::uint32_t lookup = 0;           ///< position in lookups_
        std::uint32_t source = 0;           ///< position in sources_, from 1; 0 = it has none
    };

    struct found
    {
        const bindings* layer = nullptr;
        const entry* what = nullptr;
    };

    entry& entry_for(std::string_view name);

    [[nodiscard]] found find_entry(std::string_view name) const noexcept;

    /// Of an entry of this layer; null when it is bound by members.
    [[nodiscard]] const json::value* value_of(const entry& e) const;

    const bindings* parent_;
    detail::few<entry, 6> entries_;
    std::vector<member_lookup> lookups_;
    detail::few<value_source, 1> sources_;
};

namespace detail {
struct expression_program;
struct template_node;
} // namespace detail

/// One compiled expression. Copies share the program; immutable.
class expression
{
  public:
    /// @param source the text between `${{` and `}}`
    /// @throws expression_error
    static expression compile(std::string_view source, const expression_names& names);

    /// @throws expression_error with the offset of what could not be evaluated
    [[nodiscard]] json::value evaluate(const bindings& b) const;

    /// Like `evaluate`, but must yield a boolean. @throws expression_error
    [[nodiscard]] bool evaluate_bool(const bindings& b) const;

    /// For a path (`response.body.id`, `job.state`): the value in place, without a copy. Null when it is missing or its
    /// root is not bound, or when the expression is no path. @throws expression_error on a misuse of a type
    [[nodiscard]] const json::value* find_in(const bindings& b) const;

    [[nodiscard]] value_type type() const noexcept;

    /// As written, without `${{ }}`.
    [[nodiscard]] const std::string& source() const noexcept;

    /// The second members of every path that starts at `root`: for `tasks`, the tasks that are referred to. Each once,
    /// in order of appearance.
    [[nodiscard]] std::vector<std::string> members_of(std::string_view root) const;

    [[nodiscard]] bool mentions(std::string_view root) const;

  private:
    explicit expression(std::shared_ptr<const detail::expression_program> program);

    std::shared_ptr<const detail::expression_program> program_;
};

/// A JSON value in which strings may hold expressions. Copies share everything; immutable.
class value_template
{
  public:
    /// One piece of a string: literal text, or an expression.
    using part = std::variant<std::string, expression>;

    /// The constant `null`.
    value_template();

    /// Without expressions, whatever the strings look like.
    static value_template constant(json::value v);

    /// One string, `offset`s of errors counted from its start. A string that is exactly one expression yields that
    /// expression's value with its type; in any other string each expression is put in as text (numbers and booleans as
    /// JSON writes them, null as nothing, arrays and objects as JSON). `$${{` stands for a literal `${{`.
    /// @throws expression_error
    static value_template compile(std::string_view text, const expression_names& names);

    /// @throws expression_error when nested more than 200 deep; the same holds for `object` and `compile_all`
    static value_template array(std::vector<value_template> elements);

    /// The names are unique.
    static value_template object(std::vector<std::pair<std::string, value_template>> members);

    /// Compiles every string in `v`. @throws expression_error whose message names the place and whose offset counts
    /// from the start of that string
    static value_template compile_all(const json::value& v, const expression_names& names);

    /// @throws expression_error whose message names the place within the value (`body.ids[0]`) and the expression, and
    /// whose offset counts from the start of the string there
    [[nodiscard]] json::value render(const bindings& b) const;

    /// No expression in it: `render` always gives the same.
    [[nodiscard]] bool is_constant() const noexcept;

    /// The whole value is one expression, so its type is not known before it is rendered.
    [[nodiscard]] bool is_expression() const noexcept;

    /// The member of an object template, or nothing.
    [[nodiscard]] std::optional<value_template> member(std::string_view name) const;

    /// This object template without the members named.
    [[nodiscard]] value_template without(std::span<const std::string> names) const;

    /// The pieces of a string template; empty for anything else. For a shell command, which must not paste values.
    [[nodiscard]] std::vector<part> parts() const;

    /// Is a string, with or without expressions (but not one whole expression).
    [[nodiscard]] bool is_string() const noexcept;

    /// Every expression in it, in order of appearance.
    [[nodiscard]] std::vector<expression> expressions() const;

    /// As written, expressions in place: what `run --dry-run` shows of late fields.
    [[nodiscard]] json::value source() const;

  private:
    explicit value_template(std::shared_ptr<const detail::template_node> node);

    std::shared_ptr<const detail::template_node> node_;
};

} // namespace potoo
