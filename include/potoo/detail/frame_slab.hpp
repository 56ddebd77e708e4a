#pragma once
/// @file
/// Memory of coroutine frames and Asio operations: size classes of 16 bytes carved from large blocks, kept for reuse.
/// One thread only (the loop's); larger requests, and all requests under AddressSanitizer, go to the global allocator,
/// so that a use after free is seen.

#include <cstddef>
#include <new>

namespace potoo::detail {

/// @throws std::bad_alloc
[[nodiscard]] void* frame_allocate(std::size_t size);

/// @param size as given to `frame_allocate`
void frame_deallocate(void* p, std::size_t size) noexcept;

/// Bytes handed out and not given back, for `bench` and leak tests.
[[nodiscard]] std::size_t frame_bytes_in_use() noexcept;

/// Bytes given back that are kept for reuse, on this thread. What the global allocator took back is not among them.
[[nodiscard]] std::size_t frame_bytes_kept() noexcept;

/// Base of small objects of the loop's thread that come from the slab, as what attempts need seldom.
struct slab_allocated
{
    static void* operator new(std::size_t size) { return frame_allocate(size); }

    static void operator delete(void* p, std::size_t size) noexcept { frame_deallocate(p, size); }
};

/// Allocator over the slab, for Asio operations.
template <class T>
struct frame_allocator
{
    using value_type = T;

    frame_allocator() = default;

    template <class U>
    explicit(false) frame_allocator(const frame_allocator<U>&) noexcept
    {}

    T* allocate(std::size_t n) { return static_cast<T*>(frame_allocate(n * sizeof(T))); }

    void deallocate(T* p, std::size_t n) noexcept { frame_deallocate(p, n * sizeof(T)); }

    template <class U>
    friend bool operator==(const frame_allocator&, const frame_allocator<U>&) noexcept
    {
        return true;
    }
};

} // namespace potoo::detail
