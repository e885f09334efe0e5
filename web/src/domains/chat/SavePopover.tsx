import { type ReactNode, useState } from "react";
import { Button, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { useI18n } from "../../lib/i18n";

/** Asks for a name to keep something under; why it could not be kept is said beside it. */
export function SavePopover(props: {
  label: string;
  /** Keeps it under the name; the popover closes when that worked. */
  save: (name: string) => Promise<unknown>;
  /** More to decide before it is kept. */
  children?: ReactNode;
}) {
  const { t } = useI18n();
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <DialogTrigger>
      <Button className="button quiet">{props.label}</Button>
      <Popover className="float" placement="bottom end" offset={4}>
        <Dialog className="filter-pop" aria-label={props.label}>
          {({ close }) => (
            <form
              onSubmit={(event) => {
                event.preventDefault();
                setProblem(null);
                props
                  .save(name.trim())
                  .then(() => {
                    setName("");
                    close();
                  })
                  .catch((cause: Error) => setProblem(cause.message));
              }}
            >
              <label>
                {t("chat.presetName")}
                <span className="field">
                  <input value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />
                </span>
              </label>
              {props.children}
              {problem && (
                <p className="field-reason" role="alert">
                  {problem}
                </p>
              )}
              <button type="submit" className="button primary" disabled={name.trim() === ""}>
                {props.label}
              </button>
            </form>
          )}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
