; What the kernels of small Unix systems do with the chips of an AT, in protected mode with paging and by interrupts. Each
; line on COM1 is the name of an experiment and what came of it, in hexadecimal.
LOADED equ (end_of_program - $$ + 511) / 512
%include "loader.inc"

%macro say 1
    call text
    db %1, 0
%endmacro
; A byte, or a double word, in hexadecimal and a blank.
%macro show 1
    push eax
    movzx eax, %1
    call byte_out
    mov al, ' '
    call letter
    pop eax
%endmacro
%macro show32 1
    push ecx
    push eax
    mov eax, %1
    call dword_out
    pop eax
    pop ecx
%endmacro
%macro output 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro
%macro input 1
    mov dx, %1
    in al, dx
%endmacro

CODE equ 0x08
DATA equ 0x10
DIRECTORY equ 0x90000
TABLE equ 0x91000
IDT equ 0x92000
COUNTS equ 0x93000              ; interrupts of each line
DMA_BUFFER equ 0x98000
BUFFER equ 0x200000
UNMAPPED equ 0x400000           ; behind the only page table

main:
    cli
    in al, 0x92
    or al, 2
    and al, 0xFE
    out 0x92, al
    lgdt [gdt_pointer]
    mov eax, cr0
    or eax, 1
    mov cr0, eax
    jmp dword CODE:protected

align 8
gdt:
    dq 0
    dq 0x00CF9A000000FFFF
    dq 0x00CF92000000FFFF
gdt_pointer: dw 23
    dd gdt
idt_pointer: dw 0x30 * 8 - 1
    dd IDT

bits 32
protected:
    mov ax, DATA
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov fs, ax
    mov gs, ax
    mov esp, 0x7C00
    cld
    call page
    call vectors
    mov al, 1                   ; COM1: 115200 baud, 8 bits
    mov bl, 0x83
    call port_mode
    sti
    call interrupt_controllers
    call timer
    call clock_chip
    call keyboard
    call serial
    call floppy
    call disk
    call fault
    say `drivers end\n`
    cli
    hlt

%include "drivers/output.inc"
%include "drivers/interrupts.inc"
%include "drivers/clocks.inc"
%include "drivers/keyboard.inc"
%include "drivers/floppy.inc"
%include "drivers/disk.inc"
end_of_program:
