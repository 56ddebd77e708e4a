#pragma once
/// @file
/// Reads kubeconfig files, as kubectl does.

#include "cluster_settings.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace potoo::kubernetes {

/// @param file what messages call it; paths in it are relative to its folder
/// @param context the one to use; empty = its `current-context`
/// @throws fatal `bad_kubeconfig` that says what is wrong and where
[[nodiscard]] cluster_settings read_kubeconfig(const std::string& text, const std::filesystem::path& file,
                                               std::string_view context);

/// The same for a file. @throws fatal also when it cannot be read
[[nodiscard]] cluster_settings load_kubeconfig(const std::filesystem::path& file, std::string_view context);

} // namespace potoo::kubernetes
