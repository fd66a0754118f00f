// fake_cuda, preloaded: devices called cuda:0, cuda:1 … whose memory is the CPU's and whose kernels are the CPU's, for
// machines without a GPU. ZIPLORA_FAKE_CUDA is how many there are, by default 1.
//
// What it is for: to find where code mixes devices. As CUDA would, it refuses an operation on a tensor of the device and
// one of the CPU (numbers, which are tensors without dimensions, may be the CPU's), and the CPU's random generators on the
// device. What it does not show: kernels that CUDA lacks, rounding, speed, memory, and pointers into device memory that
// the host reads.
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/empty.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <cstdlib>
#include <set>
#include <vector>

namespace {

using torch::jit::Stack;

c10::DeviceIndex device_count() {
  const char* count = std::getenv("ZIPLORA_FAKE_CUDA");
  return static_cast<c10::DeviceIndex>(count == nullptr ? 1 : std::atoi(count));
}

// 1. A device that exists

class FakeGuard : public c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::CUDA> {
 public:
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device before = getDevice();
    setDevice(device);
    return before;
  }
  c10::Device getDevice() const override { return {c10::DeviceType::CUDA, current_}; }
  void setDevice(c10::Device device) const override {
    current_ = std::max<c10::DeviceIndex>(device.index(), 0);
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override { setDevice(device); }
  c10::Stream getStream(c10::Device device) const noexcept override { return stream_of(device); }
  c10::Stream getNewStream(c10::Device device, int) const override { return stream_of(device); }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return device_count(); }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }

 private:
  static c10::Stream stream_of(c10::Device device) {
    return c10::Stream(c10::Stream::DEFAULT, {device.type(), std::max<c10::DeviceIndex>(device.index(), 0)});
  }
  static inline thread_local c10::DeviceIndex current_ = 0;
};

/// Under this name at::detail::getCUDAHooks() looks for them.
struct CUDAHooks : at::CUDAHooksInterface {
  explicit CUDAHooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return device_count() > 0; }
  bool hasPrimaryContext(at::DeviceIndex) const override { return true; }
  at::DeviceIndex current_device() const override { return FakeGuard().getDevice().index(); }
  at::DeviceIndex deviceCount() const override { return device_count(); }
  int getNumGPUs() const override { return device_count(); }
  at::DeviceIndex getCurrentDevice() const override { return current_device(); }
};

}  // namespace

/// In place of LibTorch's own, which in a CPU build knows no accelerator; the backward pass asks for its stream.
std::optional<c10::DeviceType> at::accelerator::getAccelerator(bool) {
  return device_count() > 0 ? std::optional(c10::DeviceType::CUDA) : std::nullopt;
}

namespace {

// 2. The same memory under two names

/// The same memory as that of `device`, which it keeps alive.
c10::Storage renamed(const c10::Storage& storage, c10::Device device) {
  auto owner = std::make_unique<c10::Storage>(storage);
  void* data = owner->mutable_data();
  c10::DataPtr pointer(
      data, owner.release(), [](void* kept) { delete static_cast<c10::Storage*>(kept); }, device);
  return {c10::Storage::use_byte_size_t(), storage.nbytes(), std::move(pointer), nullptr, false};
}

/// @param like  gives dtype, sizes and strides
at::Tensor tensor_over(c10::Storage storage, c10::DispatchKeySet keys, const at::Tensor& like) {
  at::Tensor result =
      at::detail::make_tensor<c10::TensorImpl>(c10::TensorImpl::VIEW, std::move(storage), keys, like.dtype());
  result.unsafeGetTensorImpl()->set_sizes_and_strides(like.sizes(), like.strides(), like.storage_offset());
  return result;
}

at::Tensor on_cpu(const at::Tensor& tensor) {
  if (!tensor.is_cuda()) return tensor;
  const c10::DispatchKeySet keys = tensor.key_set().remove_backend(c10::BackendComponent::CUDABit);
  return tensor_over(renamed(tensor.storage(), c10::kCPU), keys | c10::DispatchKeySet(c10::DispatchKey::CPU),
                     tensor);
}

at::Tensor on_device(const at::Tensor& tensor, c10::Device device) {
  const c10::DispatchKeySet keys = tensor.key_set().remove_backend(c10::BackendComponent::CPUBit);
  return tensor_over(renamed(tensor.storage(), device), keys | c10::DispatchKeySet(c10::DispatchKey::CUDA),
                     tensor);
}

// 3. Every operation of the device, on the CPU

/// The tensors of one call, on the device and on the CPU, so that what is returned in place is what came in.
class Call {
 public:
  explicit Call(const c10::OperatorHandle& op) : name_(op.schema().name()) {}

  c10::IValue argument(const c10::IValue& value) {
    if (value.isTensor()) return value.toTensor().defined() ? take(value.toTensor()) : value;
    if (value.isDevice()) return note_device(value.toDevice());
    if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(take(tensor));
      return list;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector())
        list.push_back(tensor ? std::optional(take(*tensor)) : std::nullopt);
      return list;
    }
    if (value.isGenerator() && value.toGenerator().device().is_cpu()) of_cpu_generator_ = true;
    return value;
  }

  void check() const {
    // Indices may be the CPU's, and copying is what moves between devices.
    static const std::set<std::string> kMayMix{"aten::copy_", "aten::index", "aten::index_put_",
                                               "aten::_index_put_impl_"};
    TORCH_CHECK(!(met_device_ && met_cpu_) || kMayMix.count(name_),
                "Expected all tensors to be on the same device, but found both cuda and cpu in ", name_);
    TORCH_CHECK(!of_cpu_generator_, "Expected a 'cuda' device type for generator but found 'cpu' in ", name_);
  }

  /// What got its memory on the CPU has it on the device too.
  void adopt_new_memory() {
    for (const auto& [device, cpu] : taken_) {
      if (cpu.storage().data() == device.storage().data()) continue;
      c10::TensorImpl* impl = device.unsafeGetTensorImpl();
      impl->set_storage_keep_dtype(renamed(cpu.storage(), device.device()));
      impl->set_sizes_and_strides(cpu.sizes(), cpu.strides(), cpu.storage_offset());
    }
  }

  c10::IValue result(const c10::IValue& value) const {
    if (value.isTensor()) return value.toTensor().defined() ? give(value.toTensor()) : value;
    if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(give(tensor));
      return list;
    }
    return value;
  }

 private:
  at::Tensor take(const at::Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    if (tensor.is_cpu() && tensor.dim() > 0) met_cpu_ = true;
    if (!tensor.is_cuda()) return tensor;
    met_device_ = true;
    device_ = tensor.device();
    // An output that has no memory yet gets some when the operation knows its size.
    const bool no_memory = tensor.storage().nbytes() == 0;
    taken_.emplace_back(
        tensor, no_memory ? at::empty(tensor.sizes(), tensor.options().device(c10::kCPU)) : on_cpu(tensor));
    return taken_.back().second;
  }
  c10::IValue note_device(c10::Device device) {
    if (!device.is_cuda()) return device;
    device_ = device.has_index() ? device : FakeGuard().getDevice();
    return c10::Device(c10::kCPU);
  }
  at::Tensor give(const at::Tensor& tensor) const {
    for (const auto& [device, cpu] : taken_) {
      if (cpu.is_same(tensor)) return device;  // written in place
      if (cpu.storage().data() == tensor.storage().data() && tensor.storage().nbytes() > 0)
        return tensor_over(device.storage(), device.key_set(), tensor);  // a view
    }
    return on_device(tensor, device_);
  }

  std::string name_;
  std::vector<std::pair<at::Tensor, at::Tensor>> taken_;
  c10::Device device_{c10::DeviceType::CUDA, 0};
  bool met_device_ = false, met_cpu_ = false, of_cpu_generator_ = false;
};

void run_on_cpu(const c10::OperatorHandle& op, c10::DispatchKeySet, Stack* stack) {
  const size_t count = op.schema().arguments().size(), first = stack->size() - count;
  Call call(op);
  for (size_t i = first; i < stack->size(); ++i) (*stack)[i] = call.argument((*stack)[i]);
  call.check();
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  call.adopt_new_memory();
  for (c10::IValue& value : *stack)
    if (&value >= &(*stack)[stack->size() - op.schema().returns().size()]) value = call.result(value);
}

at::Tensor& copy(at::Tensor& self, const at::Tensor& source, bool) {
  on_cpu(self).copy_(on_cpu(source));
  return self;
}

}  // namespace

namespace at {
REGISTER_CUDA_HOOKS(CUDAHooks);
}
C10_REGISTER_GUARD_IMPL(CUDA, FakeGuard);
TORCH_LIBRARY_IMPL(_, CUDA, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
}
TORCH_LIBRARY_IMPL(aten, CUDA, library) { library.impl("copy_", &copy); }
