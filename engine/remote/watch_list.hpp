#pragma once
/// @file
/// Many watches in order, in chunks of pointers to them: walked in memory's order, with the next ones fetched ahead. A
/// watch that leaves makes a hole.

#include <potoo/watcher.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace potoo::remote {

class watch_list
{
    struct chunk;

  public:
    /// Chunks that are not used at the moment, for the lists of one watcher. Must outlive them.
    class store
    {
      public:
        store() = default;
        store(const store&) = delete;
        store& operator=(const store&) = delete;
        ~store();

      private:
        friend class watch_list;

        chunk* take();
        void give_back(chunk* c) noexcept;

        chunk* free_ = nullptr;
        std::size_t kept_ = 0;
    };

    explicit watch_list(store& s) noexcept : store_(&s) {}

    watch_list(watch_list&& other) noexcept;
    watch_list& operator=(watch_list&&) = delete;

    /// Those that are in it are in no list then.
    ~watch_list();

    void push(watch& w);

    /// Takes the first. @return null when there is none
    [[nodiscard]] watch* pop() noexcept;

    /// Takes those that `fits` says yes to, from the first on, until `to` has `room`.
    /// @param patience how many more that do not fit are looked at
    template <class Fits>
    void take_fitting(std::vector<watch*>& to, std::size_t room, std::size_t& patience, Fits fits)
    {
        for (chunk* c = first_; c; c = c->next) {
            for (std::uint32_t i = c->begin; i != c->end && to.size() < room && patience > 0; ++i) {
                watch* w = c->entries[i];
                if (!w)
                    continue;
                if (!fits(*w)) {
                    --patience;
                    continue;
                }
                to.push_back(w);
                w->place_ = nullptr;
                c->entries[i] = nullptr;
            }
        }
    }

    /// Nobody is in it. Forgets holes at the front.
    [[nodiscard]] bool empty() noexcept;

    void append(watch_list&& other) noexcept;

    /// Puts the watch into a place of somebody else's, or (null) in none.
    static void place(watch& w, watch** where) noexcept { w.place_ = where; }

  private:
    static constexpr std::size_t chunk_entries = 62;

    struct chunk
    {
        chunk* next = nullptr;
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
        std::array<watch*, chunk_entries> entries;
    };

    store* store_;
    chunk* first_ = nullptr;
    chunk* last_ = nullptr;
};

} // namespace potoo::remote
