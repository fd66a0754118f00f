/** What a LoRA is to learn, with the settings that docs/guide.md gives for it; the others stay the base's own. */
import type { Values } from "../forms/flag";

export interface Preset {
  name: string;
  title: string;
  summary: string;
  example: string; // of a prompt
  values: Values;
}

export const presets: Preset[] = [
  {
    name: "subject",
    title: "A subject",
    summary: "A person, an animal, a thing: 3 to 10 images of it, in different places.",
    example: "a sks dog",
    values: {},
  },
  {
    name: "style",
    title: "A style, from several images",
    summary: "Different things drawn in the same way, each with a caption that names the thing and the style.",
    example: "a fox, in szn style",
    values: {},
  },
  {
    name: "one-image",
    title: "A style, from one image",
    summary: "Learns only where the prompt is read, and sees the image in parts, large, small and mirrored.",
    example: "a fox, in szn style",
    values: { targets: "cross-attention", zoom: 2, random_flip: true, views: 64 },
  },
];
