#pragma once
/// @file
/// The pools of one engine: runs whose DAGs name the same pool share its slots.
///
/// A run leases slots when it is about to start attempts, and says afterwards how many it has. When there are none for
/// it, it stands in the pool's line, and is told when there may be some; runs in line take turns, and none takes more
/// than its share while others wait.

#include "engine/graph/dag.hpp"

#include <potoo/ids.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace potoo::runtime {

class pool_book
{
    struct pool;

  public:
    /// A run.
    class client
    {
      public:
        client() = default;
        client(const client&) = delete;
        client& operator=(const client&) = delete;

      protected:
        ~client() = default;

      private:
        friend class pool_book;

        /// There may be slots: ask for them again, or `leave`. On the loop; not to be answered from within.
        virtual void may_have_slots() = 0;

        std::vector<pool*> pools_; ///< by `pool_index`
    };

    struct usage
    {
        std::string name;
        std::uint32_t slots = 0;
        std::uint32_t declared = 0; ///< by the DAGs of the runs that know it, the smallest; 0 = by none
        bool resized = false;
        std::uint32_t used = 0;
        std::vector<std::pair<const client*, std::uint32_t>> by; ///< those that have some
        std::size_t in_line = 0;                                 ///< runs
    };

    pool_book() = default;
    pool_book(const pool_book&) = delete;
    pool_book& operator=(const pool_book&) = delete;

    /// The pools of its DAG. Where DAGs differ in slots, the smallest number holds.
    void join(client& c, const std::vector<graph::pool_spec>& pools);

    /// It wants and has nothing any more. To be called before it is destroyed.
    void leave(client& c);

    /// How many slots a run may take now beyond the `used` that it has. When there are none, it stands in line.
    [[nodiscard]] std::uint32_t lease(client& c, pool_index pool, std::uint32_t used);

    /// The run has so many slots, and waits for more or not.
    void note(client& c, pool_index pool, std::uint32_t used, bool wants_more);

    /// From now on the pool has so many slots, whatever DAGs say. What is taken is kept until it is given back.
    void resize(const std::string& name, std::uint32_t slots);

    /// Takes back what `resize` said: what DAGs say holds again. One that no run knows is gone.
    void reset(const std::string& name);

    /// By name: those that were resized or that a run knows.
    [[nodiscard]] std::vector<usage> all() const;

    /// @throws std::out_of_range when the run's DAG has no such pool
    [[nodiscard]] usage of(const client& c, pool_index pool) const;

  private:
    struct holding
    {
        std::uint32_t declared;
        std::uint32_t used;
    };

    struct pool
    {
        std::string name;
        std::optional<std::uint32_t> set;
        std::map<const client*, holding> holdings;
        std::deque<client*> line;
        std::uint32_t declared = 0; ///< the least of `holdings`
        std::uint32_t used = 0;

        [[nodiscard]] std::uint32_t slots() const { return set ? *set : declared; }

        [[nodiscard]] std::uint32_t free() const;
        void look_at_declarations();
        void set_used(holding& h, std::uint32_t now);
        void offer(const client* but = nullptr) const;
    };

    [[nodiscard]] static usage usage_of(const pool& p);

    std::map<std::string, pool, std::less<>> pools_;
};

} // namespace potoo::runtime
