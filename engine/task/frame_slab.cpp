#include <potoo/detail/frame_slab.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define POTOO_SLAB_PASS_THROUGH 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POTOO_SLAB_PASS_THROUGH 1
#endif
#ifndef POTOO_SLAB_PASS_THROUGH
#define POTOO_SLAB_PASS_THROUGH 0
#endif

namespace potoo::detail {
namespace {

constexpr std::size_t granule = 16;
constexpr std::size_t classes = 128;
constexpr std::size_t smallest_block = std::size_t{64} << 10;
constexpr std::size_t largest_block = std::size_t{1} << 20;

struct free_node
{
    free_node* next;
};

// Each thread has a slab of its own, so that several loops in one process (tests, embedding) do not share one. A frame
// must be freed on the thread that made it.
class frame_slab
{
  public:
    void* allocate(std::size_t size)
    {
        in_use_ += size;
        const std::size_t c = (size + granule - 1) / granule;
        if (POTOO_SLAB_PASS_THROUGH || c >= classes)
            return ::operator new(size);
        if (free_node* p = free_[c]) {
            free_[c] = p->next;
            kept_ -= c * granule;
            return p;
        }
        const std::size_t bytes = c * granule;
        if (static_cast<std::size_t>(end_ - cursor_) < bytes)
            refill(bytes);
        void* p = cursor_;
        cursor_ += bytes;
        return p;
    }

    void deallocate(void* p, std::size_t size) noexcept
    {
        in_use_ -= size;
        const std::size_t c = (size + granule - 1) / granule;
        if (POTOO_SLAB_PASS_THROUGH || c >= classes) {
            ::operator delete(p);
            return;
        }
        free_[c] = ::new (p) free_node{free_[c]};
        kept_ += c * granule;
    }

    [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }

    [[nodiscard]] std::size_t kept() const noexcept { return kept_; }

  private:
    void refill(std::size_t at_least)
    {
        const std::size_t size = next_block_ > at_least ? next_block_ : at_least;
        blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
        cursor_ = blocks_.back().get();
        end_ = cursor_ + size;
        if (next_block_ < largest_block)
            next_block_ *= 2;
    }

    std::array<free_node*, classes> free_{};
    std::byte* cursor_ = nullptr;
    std::byte* end_ = nullptr;
    std::size_t next_block_ = smallest_block;
    std::size_t in_use_ = 0;
    std::size_t kept_ = 0;
    std::vector<std::unique_ptr<std::byte[]>> blocks_;
};

frame_slab& slab() noexcept
{
    // Never destroyed: frames held by objects of static lifetime may be freed after a thread-local slab would be gone.
    thread_local auto* instance = new frame_slab;
    return *instance;
}

} // namespace

void* frame_allocate(std::size_t size)
{
    return slab().allocate(size);
}

void frame_deallocate(void* p, std::size_t size) noexcept
{
    slab().deallocate(p, size);
}

std::size_t frame_bytes_in_use() noexcept
{
    return slab().in_use();
}

std::size_t frame_bytes_kept() noexcept
{
    return slab().kept();
}

} // namespace potoo::detail
