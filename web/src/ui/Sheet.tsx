import type { ReactNode } from "react";
import { Dialog, Modal, ModalOverlay } from "react-aria-components";
import { useI18n } from "../lib/i18n";
import { IconButton } from "./controls";
import "./shell.css";

/** A sheet from the bottom, for narrow screens. */
export function Sheet(props: {
  title: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  children: ReactNode;
}) {
  const { t } = useI18n();
  return (
    <ModalOverlay className="sheet-veil" isOpen={props.open} onOpenChange={props.onOpenChange} isDismissable>
      <Modal className="sheet">
        <Dialog aria-label={props.title} style={{ outline: "none" }}>
          <div className="grip" />
          <div className="sheet-head">
            <h2 className="section-title">{props.title}</h2>
            <IconButton label={t("action.close")} icon="close" onPress={() => props.onOpenChange(false)} />
          </div>
          {props.children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** A panel at the side; on narrow screens it takes the width. */
export function SidePanel(props: {
  title: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  children: ReactNode;
}) {
  const { t } = useI18n();
  return (
    <ModalOverlay className="sheet-veil" isOpen={props.open} onOpenChange={props.onOpenChange} isDismissable>
      <Modal className="side-panel">
        <Dialog aria-label={props.title} style={{ outline: "none" }}>
          <div className="sheet-head">
            <p className="caption">{t("explain.title")}</p>
            <IconButton label={t("action.close")} icon="close" onPress={() => props.onOpenChange(false)} />
          </div>
          {props.children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
