#pragma once
/// @file
/// The names that belong to one attempt, in a layer above those of its run.

#include <potoo/expression.hpp>
#include <potoo/ids.hpp>
#include <potoo/json.hpp>

#include <functional>
#include <optional>
#include <utility>

namespace potoo {

/// `attempt`, `launch_token`, and for an item of a `foreach` `item` and `item_index`. Looks into the run: a local
/// variable for one evaluation. Cannot be copied or moved, but returned.
class attempt_names final : public bindings
{
  public:
    struct of_item
    {
        item_index index;
        const json::value& value;
    };

    /// Nothing besides those of `outer`.
    explicit attempt_names(const bindings& outer) : bindings(&outer) {}

    /// @param token called at most once, when an expression asks for it
    attempt_names(const bindings& run, attempt_number number, std::function<launch_token()> token,
                  std::optional<of_item> item)
        : bindings(&run), make_token_(std::move(token)), number_(number.value())
    {
        set("attempt", number_);
        set_computed("launch_token", [this]() -> const json::value& {
            if (token_.is_null())
                token_ = json::string(make_token_().value());
            return token_;
        });
        if (!item)
            return;
        index_ = item->index.value();
        set("item_index", index_).set("item", item->value);
    }

    attempt_names(const attempt_names&) = delete;
    attempt_names& operator=(const attempt_names&) = delete;

  private:
    std::function<launch_token()> make_token_;
    json::value number_;
    json::value index_;
    json::value token_;
};

} // namespace potoo
