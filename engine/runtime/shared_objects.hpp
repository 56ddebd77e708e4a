#pragma once
/// @file
/// What attempts share (`context::shared`): watchers, rate limits, cached credentials.

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <typeindex>
#include <utility>

namespace potoo::runtime {

class shared_objects
{
  public:
    shared_objects() = default;
    shared_objects(const shared_objects&) = delete;
    shared_objects& operator=(const shared_objects&) = delete;

    /// Destroys the objects, latest first: a later one may use an earlier one.
    ~shared_objects()
    {
        index_.clear();
        while (!objects_.empty())
            objects_.pop_back();
    }

    /// The place for an object; empty until somebody puts one there. Stays where it is.
    [[nodiscard]] std::shared_ptr<void>& slot(std::type_index type, const std::string& key)
    {
        const auto [found, added] = index_.try_emplace({type, key}, objects_.size());
        if (added)
            objects_.emplace_back();
        return objects_[found->second];
    }

  private:
    std::map<std::pair<std::type_index, std::string>, std::size_t> index_;
    std::deque<std::shared_ptr<void>> objects_;
};

} // namespace potoo::runtime
