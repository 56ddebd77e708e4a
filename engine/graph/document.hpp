#pragma once
/// @file
/// The source as a compact tree of nodes with marks, the same for YAML and JSON.

#include "engine/graph/dag.hpp"
#include "engine/graph/diagnostic.hpp"

#include <potoo/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::graph {

enum class node_kind : std::uint8_t
{
    null,
    boolean,
    integer,          ///< fits int64
    unsigned_integer, ///< above int64, fits uint64
    real,
    string,
    list,
    map,
};

/// A node refers to its text, or to its children, by position in its document. An alias is a copy of the node it names,
/// so that it shares the children.
struct node
{
    node_kind kind = node_kind::null;
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    union
    {
        bool boolean;
        std::int64_t integer = 0;
        std::uint64_t unsigned_integer;
        double real;

        struct
        {
            std::uint32_t begin; ///< in `document::text`, or of the first child in `document::children`
            std::uint32_t count; ///< bytes, elements, or members (a member is two children: key and value)
        } range;
    };
};

struct document
{
    /// Deepest nesting of lists and maps.
    static constexpr std::size_t max_depth = 64;

    std::string text;
    std::vector<node> children;
    node root;
};

/// A node and the document it is part of. Cheap to copy; the document must outlive it.
class node_view
{
  public:
    node_view(const document& d, const node& n) : document_(&d), node_(&n) {}

    [[nodiscard]] node_kind kind() const noexcept { return node_->kind; }

    [[nodiscard]] bool is_string() const noexcept { return node_->kind == node_kind::string; }

    [[nodiscard]] bool is_list() const noexcept { return node_->kind == node_kind::list; }

    [[nodiscard]] bool is_map() const noexcept { return node_->kind == node_kind::map; }

    [[nodiscard]] bool is_null() const noexcept { return node_->kind == node_kind::null; }

    [[nodiscard]] mark where() const noexcept { return {node_->line, node_->column}; }

    /// Elements of a list, members of a map; 0 for anything else.
    [[nodiscard]] std::size_t size() const noexcept { return is_list() || is_map() ? node_->range.count : 0; }

    /// The text of a string.
    [[nodiscard]] std::string_view text() const noexcept
    {
        return std::string_view(document_->text).substr(node_->range.begin, node_->range.count);
    }

    [[nodiscard]] bool boolean() const noexcept { return node_->boolean; }

    [[nodiscard]] const node& raw() const noexcept { return *node_; }

    [[nodiscard]] node_view element(std::size_t i) const { return child(i); }

    [[nodiscard]] node_view key(std::size_t i) const { return child(2 * i); }

    [[nodiscard]] node_view value(std::size_t i) const { return child(2 * i + 1); }

    /// The value of the member of that name. O(members).
    [[nodiscard]] std::optional<node_view> find(std::string_view name) const;

    /// The place of a member's key; of this node when it has no such member.
    [[nodiscard]] mark place_of_key(std::string_view name) const;

    [[nodiscard]] json::value to_json() const;

    /// `null`, `true`, `the number 3`, `the string `x``, `a list`, `a map`.
    [[nodiscard]] std::string describe() const;

  private:
    [[nodiscard]] node_view child(std::size_t i) const
    {
        return {*document_, document_->children[node_->range.begin + i]};
    }

    const document* document_;
    const node* node_;
};

/// Reads a source. Problems go to the sink; the document is there only when there were none.
[[nodiscard]] std::optional<document> read_yaml(std::string_view source, diagnostic_sink& problems);
[[nodiscard]] std::optional<document> read_json(std::string_view source, diagnostic_sink& problems);

} // namespace potoo::graph
