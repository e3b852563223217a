# The Windows backend: IIS, with an agent that scripts/bootstrap-windows.ps1 sets up.

resource "azurerm_network_interface" "windows" {
  name                = "nic-backend-windows"
  location            = local.regions.westeurope.location
  resource_group_name = azurerm_resource_group.demo.name

  ip_configuration {
    name                          = "first"
    subnet_id                     = azurerm_subnet.servers["westeurope"].id
    private_ip_address_allocation = "Static"
    private_ip_address            = "10.2.1.11"
  }
}

resource "azurerm_windows_virtual_machine" "windows" {
  name                  = "backend-windows"
  computer_name         = "backend-win"
  location              = local.regions.westeurope.location
  resource_group_name   = azurerm_resource_group.demo.name
  size                  = var.vm_size
  admin_username        = var.admin_username
  admin_password        = var.windows_admin_password
  network_interface_ids = [azurerm_network_interface.windows.id]

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }

  source_image_reference {
    publisher = "MicrosoftWindowsServer"
    offer     = "WindowsServer"
    sku       = "2022-datacenter-azure-edition"
    version   = "latest"
  }
}

resource "azurerm_virtual_machine_extension" "agent" {
  count                = var.npm_package_url == "" ? 0 : 1
  name                 = "opengslb-agent"
  virtual_machine_id   = azurerm_windows_virtual_machine.windows.id
  publisher            = "Microsoft.Compute"
  type                 = "CustomScriptExtension"
  type_handler_version = "1.10"

  protected_settings = jsonencode({
    commandToExecute = join(" ", [
      "powershell -ExecutionPolicy Bypass -EncodedCommand",
      textencodebase64(join("\n", [
        "$script = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('${filebase64("${path.module}/../windows/bootstrap-windows.ps1")}'))",
        "Set-Content -Path C:\\bootstrap-windows.ps1 -Value $script",
        "C:\\bootstrap-windows.ps1 -Role agent -OverwatchIP ${local.linux.overwatch.address} -Region eu-west -ServiceToken ${random_password.service_token.result} -GossipKey ${random_bytes.gossip_key.base64} -ServiceName app.demo.local -BackendPort 80 -Package ${var.npm_package_url}",
      ]), "UTF-16LE"),
    ])
  })
}

resource "azurerm_subnet" "bastion" {
  count                = var.enable_bastion ? 1 : 0
  name                 = "AzureBastionSubnet"
  resource_group_name  = azurerm_resource_group.demo.name
  virtual_network_name = azurerm_virtual_network.region["westeurope"].name
  address_prefixes     = ["10.2.255.0/26"]
}

resource "azurerm_public_ip" "bastion" {
  count               = var.enable_bastion ? 1 : 0
  name                = "ip-bastion"
  location            = local.regions.westeurope.location
  resource_group_name = azurerm_resource_group.demo.name
  allocation_method   = "Static"
  sku                 = "Standard"
}

resource "azurerm_bastion_host" "westeurope" {
  count               = var.enable_bastion ? 1 : 0
  name                = "bastion-westeurope"
  location            = local.regions.westeurope.location
  resource_group_name = azurerm_resource_group.demo.name

  ip_configuration {
    name                 = "first"
    subnet_id            = azurerm_subnet.bastion[0].id
    public_ip_address_id = azurerm_public_ip.bastion[0].id
  }
}
