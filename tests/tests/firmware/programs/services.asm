; What programs of the time ask of a BIOS, in real mode, one service after the other. Each line on COM1 is the name of a
; service and what it answered, in hexadecimal.
LOADED equ (end_of_program - $$ + 511) / 512
%include "loader.inc"

%macro say 1
    call text
    db %1, 0
%endmacro
; A word in hexadecimal and a blank.
%macro show 1
    push ax
    mov ax, %1
    call word_out
    pop ax
%endmacro

main:
    mov ax, 0x00E3              ; INT 14h: 9600 baud, 8 bits
    xor dx, dx
    int 0x14
    mov dx, 0x3FB               ; ... and then as fast as the port can be
    mov al, 0x83
    out dx, al
    mov dx, 0x3F8
    mov al, 1
    out dx, al
    inc dx
    xor al, al
    out dx, al
    mov dx, 0x3FB
    mov al, 0x03
    out dx, al
    call floppies
    call fixed_disks
    call clocks
    call memory
    call keys
    call screens
    say `services end\n`
    cli
    hlt

%include "services/floppy.inc"
%include "services/disk.inc"
%include "services/clocks.inc"
%include "services/memory.inc"
%include "services/keys.inc"
%include "services/screens.inc"

; The text behind the call, ended by 0.
text:
    pop si
.next:
    cs lodsb
    test al, al
    jz .done
    call letter
    jmp .next
.done:
    jmp si
letter:
    push dx
    push ax
    mov dx, 0x3FD
.wait:
    in al, dx
    test al, 0x20
    jz .wait
    pop ax
    mov dx, 0x3F8
    out dx, al
    pop dx
    ret
word_out:
    push ax
    mov al, ah
    call byte_out
    pop ax
    call byte_out
    mov al, ' '
    jmp letter
byte_out:
    push ax
    shr al, 4
    call digit
    pop ax
    and al, 0x0F
digit:
    add al, '0'
    cmp al, '9'
    jbe letter
    add al, 'a' - '0' - 10
    jmp letter
end_of_program:
