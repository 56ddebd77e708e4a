#pragma once
/// @file
/// Builds a document from events in document order, as both readers give them.

#include "engine/graph/document.hpp"

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace potoo::graph {

/// Thrown by the readers to leave a library's parser after a problem was put into the sink.
struct unreadable
{};

class document_builder
{
  public:
    explicit document_builder(diagnostic_sink& problems) : problems_(problems) {}

    void add(node n);
    void add_text(mark where, std::string_view text);

    /// Text in the document's pool, without a node.
    node make_text(mark where, std::string_view text);

    void open(node_kind kind, mark where);

    /// Ends the innermost list or map. @return the finished node
    const node& close();

    [[nodiscard]] std::size_t depth() const noexcept { return open_.size(); }

    /// The next node is the key of a map.
    [[nodiscard]] bool at_key() const noexcept
    {
        return !open_.empty() && open_.back().kind == node_kind::map && (pending_.size() - open_.back().first) % 2 == 0;
    }

    [[nodiscard]] std::string_view text_of(const node& n) const
    {
        return std::string_view(document_.text).substr(n.range.begin, n.range.count);
    }

    /// Marks the key added last as YAML's `<<`: its value is merged into the map when that ends.
    void mark_merge_key() { merge_keys_.push_back(pending_.size() - 1); }

    document finish();

  private:
    struct open_node
    {
        node_kind kind;
        mark where;
        std::size_t first; ///< of its children in `pending_`
    };

    void merge(std::size_t first);
    void merge_map(const node& source, std::unordered_set<std::string_view>& names);
    void find_repeated_keys(std::size_t first);
    void report_repeat(const node& again, const node& before);

    diagnostic_sink& problems_;
    document document_;
    std::vector<node> pending_;
    std::vector<open_node> open_;
    std::vector<std::size_t> merge_keys_;
    node last_;
};

} // namespace potoo::graph
