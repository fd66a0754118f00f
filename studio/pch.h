// Precompiled for every unit of the studio: no ATen, unlike cmake/pch.h. Sources include what they use all the same.
#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
