#pragma once
/// @file
/// Where a running engine listens to other processes: `control.sock` in its state directory.

#include "engine/journal/state_dir.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <string>

namespace potoo::host {

/// The socket's place. A path that is longer than a socket's address can hold is reached through the descriptor of its
/// directory, which is kept open for that.
class control_address
{
  public:
    /// @throws std::system_error when the directory cannot be opened
    explicit control_address(const journal::state_layout& layout);
    ~control_address();

    control_address(const control_address&) = delete;
    control_address& operator=(const control_address&) = delete;

    /// Valid while this lives.
    [[nodiscard]] boost::asio::local::stream_protocol::endpoint endpoint() const { return {address_}; }

    /// A listening socket there, for this user only, in place of one that a dead engine has left. The caller holds the
    /// directory's lock. @throws journal::store_error
    [[nodiscard]] int listen() const;

    /// Takes the socket away.
    void remove() const noexcept;

  private:
    int directory_;
    std::string path_;    ///< for messages
    std::string address_; ///< short enough
};

} // namespace potoo::host
