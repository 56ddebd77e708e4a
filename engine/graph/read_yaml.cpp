#include "engine/graph/describe_value.hpp"
#include "engine/graph/document_builder.hpp"
#include "engine/graph/plain_scalar.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>

namespace potoo::graph {

namespace {

/// Nodes that aliases may add to those that stand in the file.
constexpr std::size_t max_alias_nodes = 5'000'000;

constexpr std::string_view standard_tag = "tag:yaml.org,2002:";

mark mark_of(const YAML::Mark& m)
{
    if (m.is_null())
        return {};
    return {static_cast<std::uint32_t>(m.line) + 1, static_cast<std::uint32_t>(m.column) + 1};
}

/// A stream over text that is not copied.
class view_buffer : public std::streambuf
{
  public:
    explicit view_buffer(std::string_view text)
    {
        auto* begin = const_cast<char*>(text.data()); // a get area is never written to
        setg(begin, begin, begin + text.size());
    }
};

class yaml_events final : public YAML::EventHandler
{
  public:
    yaml_events(document_builder& builder, diagnostic_sink& problems) : builder_(builder), problems_(problems) {}

    void OnDocumentStart(const YAML::Mark&) override {}

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& m, YAML::anchor_t anchor) override
    {
        node n;
        n.line = mark_of(m).line;
        n.column = mark_of(m).column;
        add_scalar(n, "null", anchor);
    }

    void OnAlias(const YAML::Mark& m, YAML::anchor_t anchor) override
    {
        if (anchor >= anchors_.size() || !anchors_[anchor].complete)
            stop(mark_of(m), "an alias cannot stand inside the value that it names");
        const auto& named = anchors_[anchor];
        alias_nodes_ += named.size;
        if (alias_nodes_ > max_alias_nodes)
            stop(mark_of(m), fmt::format("aliases expand to more than {} values", max_alias_nodes));
        nodes_ += named.size;
        if (builder_.at_key() && named.value.kind != node_kind::string)
            stop(mark_of(m), "a key must be a string, not an alias of something else");
        builder_.add(named.value);
    }

    void OnScalar(const YAML::Mark& m, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override
    {
        const auto where = mark_of(m);
        const bool merge_key = tag == "?" && text == "<<" && builder_.at_key();
        add_scalar(scalar_node(where, tag, text), text, anchor);
        if (merge_key)
            builder_.mark_merge_key();
    }

    void OnSequenceStart(const YAML::Mark& m, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override
    {
        open(node_kind::list, mark_of(m), tag, "seq", anchor);
    }

    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& m, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override
    {
        open(node_kind::map, mark_of(m), tag, "map", anchor);
    }

    void OnMapEnd() override { close(); }

  private:
    struct anchored
    {
        node value;
        std::size_t size = 0; ///< nodes in it, aliases expanded
        bool complete = false;
    };

    struct open_anchor
    {
        YAML::anchor_t anchor;
        std::size_t nodes_before;
    };

    [[noreturn]] void stop(mark where, std::string message)
    {
        problems_.add(where, std::move(message));
        throw unreadable();
    }

    [[noreturn]] void refuse_tag(mark where, const std::string& tag)
    {
        stop(where, fmt::format("the tag {} has no meaning here", quoted(tag)));
    }

    node scalar_node(mark where, const std::string& tag, const std::string& text)
    {
        if (tag == "!" || tag == "tag:yaml.org,2002:str")
            return builder_.make_text(where, text);
        auto n = resolve_plain(text);
        if (!n)
            stop(where,
                 fmt::format("{} is no number that JSON can hold: put it in quotes to make it a string", quoted(text)));
        if (tag != "?" && !tag.empty())
            check_scalar_tag(where, tag, text, n->kind);
        if (n->kind == node_kind::string)
            return builder_.make_text(where, text);
        n->line = where.line;
        n->column = where.column;
        return *n;
    }

    void check_scalar_tag(mark where, const std::string& tag, const std::string& text, node_kind kind)
    {
        const auto is = [&](std::string_view name) { return tag == fmt::format("{}{}", standard_tag, name); };
        const bool whole = kind == node_kind::integer || kind == node_kind::unsigned_integer;
        if ((is("int") && whole) || (is("float") && (whole || kind == node_kind::real)) ||
            (is("bool") && kind == node_kind::boolean) || (is("null") && kind == node_kind::null))
            return;
        if (is("int") || is("float") || is("bool") || is("null"))
            stop(where, fmt::format("{} is not what its tag says", quoted(text)));
        refuse_tag(where, tag);
    }

    void add_scalar(node n, std::string_view text, YAML::anchor_t anchor)
    {
        const mark where{n.line, n.column};
        if (builder_.at_key() && n.kind != node_kind::string) {
            problems_.add(where, fmt::format("a key must be a string: put {} in quotes", quoted(text)));
            n = builder_.make_text(where, text);
        }
        ++nodes_;
        builder_.add(n);
        if (anchor != YAML::NullAnchor)
            remember(anchor, n, 1);
    }

    void open(node_kind kind, mark where, const std::string& tag, std::string_view own_tag, YAML::anchor_t anchor)
    {
        if (!tag.empty() && tag != "?" && tag != "!" && tag != fmt::format("{}{}", standard_tag, own_tag))
            refuse_tag(where, tag);
        if (builder_.at_key())
            stop(where, kind == node_kind::map
                            ? "a key must be a string, not a map: an expression is written `${{ … }}`"
                            : "a key must be a string, not a list");
        builder_.open(kind, where);
        open_anchors_.push_back({anchor, nodes_++});
    }

    void close()
    {
        const auto& n = builder_.close();
        if (open_anchors_.back().anchor != YAML::NullAnchor)
            remember(open_anchors_.back().anchor, n, nodes_ - open_anchors_.back().nodes_before);
        open_anchors_.pop_back();
    }

    void remember(YAML::anchor_t anchor, const node& n, std::size_t size)
    {
        if (anchors_.size() <= anchor)
            anchors_.resize(anchor + 1);
        anchors_[anchor] = {n, size, true};
    }

    document_builder& builder_;
    diagnostic_sink& problems_;
    std::vector<anchored> anchors_;
    std::vector<open_anchor> open_anchors_;
    std::size_t nodes_ = 0;
    std::size_t alias_nodes_ = 0;
};

/// Takes the events of what follows the document: nothing may.
class second_document final : public YAML::EventHandler
{
  public:
    second_document(std::string_view source, diagnostic_sink& problems) : source_(source), problems_(problems) {}

    void OnDocumentStart(const YAML::Mark& m) override
    {
        const bool separated =
            source_.substr(0, static_cast<std::size_t>(m.pos) + 3).find("\n---") != std::string_view::npos;
        problems_.add(mark_of(m), separated ? "a second document begins here: a DAG file has one"
                                            : "this does not belong to the map above: check its indentation");
        throw unreadable();
    }

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}

    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}

    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}

    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}

    void OnSequenceEnd() override {}

    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}

    void OnMapEnd() override {}

  private:
    std::string_view source_;
    diagnostic_sink& problems_;
};

struct explanation
{
    const char* message;
    const char* meaning;
};

const explanation explanations[] = {
    {YAML::ErrorMsg::END_OF_MAP, "this does not continue the map above: check its indentation"},
    {YAML::ErrorMsg::END_OF_SEQ, "this does not continue the list above: check its indentation and its `- `"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "`}` or `,` is wanted here"},
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "`]` or `,` is wanted here"},
    {YAML::ErrorMsg::FLOW_END, "this bracket closes nothing"},
    {YAML::ErrorMsg::MAP_VALUE,
     "`:` is not expected here: check the indentation, and put a text that holds `: ` in quotes"},
    {YAML::ErrorMsg::MAP_KEY, "a key is not expected here: check the indentation"},
    {YAML::ErrorMsg::BLOCK_ENTRY, "`- ` is not expected here: check the indentation"},
    {YAML::ErrorMsg::ALIAS_NOT_FOUND,
     "`*` begins an alias, and here its name is missing: put a text that begins with `*` in quotes"},
    {YAML::ErrorMsg::ANCHOR_NOT_FOUND,
     "`&` begins an anchor, and here its name is missing: put a text that begins with `&` in quotes"},
    {YAML::ErrorMsg::CHAR_IN_BLOCK,
     "`|` and `>` begin a block of text, which stands on the lines below: put a text that begins with them in quotes"},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR, "this alias names an anchor that is not defined above it"},
    {YAML::ErrorMsg::UNKNOWN_TOKEN, "a text cannot begin with this character: put it in quotes"},
    {YAML::ErrorMsg::EOF_IN_SCALAR, "the quotes that begin here are not closed"},
    {YAML::ErrorMsg::DOC_IN_SCALAR, "`---` or `...` stands within quotes that are not closed"},
};

std::string_view line_of(std::string_view source, mark where)
{
    std::size_t begin = 0;
    for (std::uint32_t line = 1; line < where.line; ++line) {
        begin = source.find('\n', begin);
        if (begin == std::string_view::npos)
            return {};
        ++begin;
    }
    return source.substr(begin, source.find('\n', begin) - begin);
}

/// A tab before the first other character of a line, which explains most errors there.
std::optional<mark> tab_in_indentation(std::string_view source, mark where)
{
    const auto line = line_of(source, where);
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos || line.find_first_not_of(' ') != tab)
        return std::nullopt;
    return mark{where.line, static_cast<std::uint32_t>(tab) + 1};
}

std::string explain(const YAML::Exception& e, std::string_view source)
{
    const bool flow = e.msg == YAML::ErrorMsg::END_OF_MAP_FLOW || e.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW ||
                      e.msg == YAML::ErrorMsg::FLOW_END;
    if (flow && line_of(source, mark_of(e.mark)).find("${{") != std::string_view::npos)
        return "inside `{ }` or `[ ]` a text with `${{ }}` must be in quotes";
    for (const auto& known : explanations)
        if (e.msg == known.message)
            return known.meaning;
    return "not YAML: " + e.msg;
}

/// Positions at the end of the source are moved to its last line that is there.
mark within(std::string_view source, mark where)
{
    if (where.line == 0)
        where = {1, 1};
    const auto lines =
        static_cast<std::uint32_t>(std::count(source.begin(), source.end(), '\n')) + (source.ends_with('\n') ? 0u : 1u);
    if (where.line <= lines || lines == 0)
        return where;
    const auto end = source.find_last_not_of('\n');
    const auto last = source.substr(0, end + 1);
    const auto begin = last.rfind('\n') + 1;
    return {static_cast<std::uint32_t>(std::count(last.begin(), last.end(), '\n')) + 1,
            static_cast<std::uint32_t>(last.size() - begin) + 1};
}

} // namespace

std::optional<document> read_yaml(std::string_view source, diagnostic_sink& problems)
{
    view_buffer buffer(source);
    std::istream stream(&buffer);
    document_builder builder(problems);
    yaml_events events(builder, problems);
    try {
        YAML::Parser parser(stream);
        if (!parser.HandleNextDocument(events)) {
            problems.add({1, 1}, "the file is empty");
            return std::nullopt;
        }
        second_document second(source, problems);
        parser.HandleNextDocument(second);
    } catch (const unreadable&) {
        return std::nullopt;
    } catch (const YAML::Exception& e) {
        if (const auto tab = tab_in_indentation(source, mark_of(e.mark)))
            problems.add(*tab, "a tab stands in the indentation: use spaces");
        else
            problems.add(within(source, mark_of(e.mark)), explain(e, source));
        return std::nullopt;
    }
    if (!problems.empty())
        return std::nullopt;
    return builder.finish();
}

} // namespace potoo::graph
