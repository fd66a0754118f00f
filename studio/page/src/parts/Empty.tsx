/** What stands where nothing is yet: what to do next. */
import type { ComponentChildren } from "preact";

import { Icon, type IconName } from "./icons";

export function Empty({ icon, title, children }: { icon: IconName; title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      <div class="stack tight">{children}</div>
    </div>
  );
}
