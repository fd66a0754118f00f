// probe_autoencoder: encodes inputs.image, decodes inputs.latents, and runs backward through both with the
// given cotangents. Arguments: folder, and tile (a size in latents) to decode and encode in tiles as well.
#include <ATen/core/grad_mode.h>

#include "tests/parity/probe/model_gradients.h"
#include "ziplora/models/autoencoder_kl.h"

namespace ziplora::probe {

Response run_autoencoder(const Request& request) {
  const std::filesystem::path folder = request.arguments.at("folder").get<std::string>();
  AutoencoderKL vae(AutoencoderKLConfig::from_json(read_config(folder)));
  load_trainable(vae, folder);
  at::Tensor image = request.inputs.at("image").set_requires_grad(true);
  at::Tensor latents = request.inputs.at("latents").set_requires_grad(true);

  const LatentDistribution distribution = vae.encode(image);
  const at::Tensor decoded = vae.decode(latents);
  at::Tensor loss = (distribution.mean * request.inputs.at("mean_cotangent")).sum() +
                    (distribution.logvar * request.inputs.at("logvar_cotangent")).sum() +
                    (decoded * request.inputs.at("decoded_cotangent")).sum();
  loss.backward();

  Response response;
  response.outputs = {{"mean", distribution.mean.detach().contiguous()},
                      {"logvar", distribution.logvar.detach().contiguous()},
                      {"decoded", decoded.detach().contiguous()},
                      {"gradient.image", image.grad().contiguous()},
                      {"gradient.latents", latents.grad().contiguous()}};
  add_gradients(vae, response);
  if (request.arguments.contains("tile")) {
    const at::NoGradGuard no_grad;
    const int64_t tile = request.arguments.at("tile");
    response.outputs["tiled"] = vae.decode_tiled(latents, tile);
    const LatentDistribution tiled = vae.encode_tiled(image, tile);
    response.outputs["tiled_mean"] = tiled.mean.contiguous();
    response.outputs["tiled_logvar"] = tiled.logvar.contiguous();
  }
  response.values["config"] = vae.config.to_json();
  return response;
}

}  // namespace ziplora::probe
